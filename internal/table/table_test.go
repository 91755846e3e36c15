package table

import (
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	table := Table{Title: "Costs", Note: "Asymptotic.", Head: []string{"rule", "cost"}, Align: "lr",
		Rows: [][]string{{"mean", "O(nd)"}, {"a|b_c", "n²"}}}
	for format, want := range map[string]string{
		"text":     "Costs\n\nrule   cost\nmean   O(nd)\na|b_c  n²\n\nAsymptotic.\n",
		"csv":      "rule,cost\nmean,O(nd)\na|b_c,n²\n",
		"markdown": "**Costs**\n\n| rule | cost |\n| --- | --- |\n| mean | O(nd) |\n| a\\|b\\_c | n² |\n\nAsymptotic.\n",
		"json":     "[\n  {\n    \"cost\": \"O(nd)\",\n    \"rule\": \"mean\"\n  },\n  {\n    \"cost\": \"n²\",\n    \"rule\": \"a|b_c\"\n  }\n]\n",
		"latex": "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\begin{tabular}{lr}\n\\toprule\nrule & cost \\\\\n\\midrule\n" +
			"mean & O(nd) \\\\\na|b\\_c & n$^2$ \\\\\n\\bottomrule\n\\end{tabular}\n\\caption{Costs. Asymptotic.}\n\\end{table}\n",
	} {
		var b strings.Builder
		if err := table.Write(&b, format); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%q, want\n%q", format, err, &b, want)
		}
	}
	err := table.Write(&strings.Builder{}, "html")
	if want := `format is "html", want one of text, markdown, latex, csv, json`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
