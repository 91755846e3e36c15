package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"testing"
)

// formatted has the functions that take a format, by name, and its place among
// their arguments.
var formatted = map[string]int{
	"Printf": 0, "Sprintf": 0, "Errorf": 0, "Fatalf": 0, "Logf": 0, "Skipf": 0, "Panicf": 0,
	"Fprintf": 1, "Appendf": 1, "complain": 1,
}

// A text that is used as a format prints %!d(string=…) where a path in it has a
// %. Vet sees that only where nothing but the text is printed. So all over the
// module a format is a constant, or the parameter format, which is a constant
// where the function is called.
func TestFormatsAreConstants(t *testing.T) {
	found := 0
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := functionName(call)
			if place, ok := formatted[name]; ok && len(call.Args) > place {
				found++
				if !isFormat(call.Args[place]) {
					t.Errorf("%s: the format of %s is no constant", files.Position(call.Pos()), name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 500 {
		t.Errorf("found %d calls, want the module's", found)
	}
}

// functionName is the last part of the name of what is called.
func functionName(call *ast.CallExpr) string {
	if f, ok := call.Fun.(*ast.SelectorExpr); ok {
		return f.Sel.Name
	}
	return ""
}

// isFormat tells whether an expression is a constant of its file or the
// parameter format.
func isFormat(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return isConstant(e) || ok && name.Name == "format"
}

func isConstant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return isConstant(e.X) && isConstant(e.Y)
	case *ast.Ident:
		return e.Obj != nil && e.Obj.Kind == ast.Con
	}
	return false
}
