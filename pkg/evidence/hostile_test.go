package evidence

import (
	"encoding/csv"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/record"
)

// hostileTable is of one run whose configuration wants to be more than text.
func hostileTable(t *testing.T) *Table {
	t.Helper()
	config := `profile: p
epochs: 1
data: {set: "[1ex]<img src=x onerror=alert(1)>|a|"}
model: {name: "*](javascript:alert(1)) ![](http://x/y)"}
corruption: {feature: {kind: "=cmd|' /C calc'!A1", fraction: 1}, label: {kind: "\\input{/etc/passwd}\e]0;x\a", fraction: 1}}
aggregator: {rule: "+1+1\n\nnew\r", pre: "@x\u202e", solver: a}
`
	run := &record.Run{
		Dir: "res/<b>\x1b[2J", Config: []byte(config), Epochs: []record.Epoch{{}, {Epoch: 1}},
		Summary: &record.Summary{Outcome: record.Outcome{Status: record.Finished}},
	}
	table, err := RunsTable("runs in /tmp/\x1b[31m<i>", []*record.Run{run, another(run, "=res/copy")}, "p")
	if err == nil || len(table.Rows) != 1 {
		t.Fatalf("%d rows, %v, want one of two runs", len(table.Rows), err)
	}
	return table
}

// Text of a record stays text in every format, and drives no terminal.
func TestHostileText(t *testing.T) {
	measured := hostileTable(t)
	for _, format := range table.Formats() {
		var b strings.Builder
		if err := measured.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		for i, r := range b.String() {
			if r != '\n' && !strconv.IsPrint(r) {
				t.Errorf("%s has %q at byte %d", format, r, i)
				break
			}
		}
		if strings.Contains(b.String(), "\n\nNEW") {
			t.Errorf("%s: text of a record breaks a line", format)
		}
		text := b.String()
		if format == "markdown" {
			text = regexp.MustCompile(`\\.`).ReplaceAllString(text, "") // what stands there escaped
		}
		for _, bad := range map[string][]string{
			"markdown": {"<img", "<i>", "<b>", "|a|", "](", "!["},
			"latex":    {"midrule\n[", `\input`, "{[1ex]", "_"},
		}[format] {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q:\n%s", format, bad, text)
			}
		}
		if format != "csv" {
			continue
		}
		lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, field := range lines[1] {
			if _, err := strconv.ParseFloat(field, 64); err != nil && field != "" && strings.ContainsRune("=+-@\t\r", rune(field[0])) {
				t.Errorf("column %s is a formula: %q", lines[0][i], field)
			}
		}
	}
}
