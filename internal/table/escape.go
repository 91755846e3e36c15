package table

import "strings"

// Markdown escapes text for GitHub's Markdown, in a table's cell too: it stays
// text, and is neither HTML, nor an image, nor a cell of its own, nor a link but the
// address that it says.
func Markdown(s string) string { return markdown.Replace(s) }

var markdown = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`,
	"[", `\[`, "]", `\]`, "~", `\~`)

// LaTeX escapes text for LaTeX.
func LaTeX(s string) string { return latex.Replace(s) }

var latex = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`,
	"[", "{[}", "]", "{]}", // not an argument of a command before them, such as \midrule
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "±", `$\pm$`, "–", "--", "−", "$-$", "ψ", `$\psi$`, "²", `$^2$`, "³", `$^3$`, "β", `$\beta$`, "τ", `$\tau$`, "ε", `$\varepsilon$`, "→", `$\to$`, "≥", `$\geq$`, "<", `\textless{}`, ">", `\textgreater{}`)
