package agg

import "slices"

// Chain says what to aggregate with: a rule, and what goes around it. From the inside
// out, that is a pre-aggregator, a block, and the dropping of rows that are not finite.
type Chain struct {
	Rule          string        // one of [Names]
	Options                     // of the rule and of Pre
	Pre           string        // one of [PreNames]; empty or [NoPre] for none
	Block         *BlockOptions // nil for none
	DropNonFinite bool
}

// NoPre stands for no pre-aggregator.
const NoPre = "none"

// New builds the chain. It fails as [New], [NewPre], [NewBlock] and [DropNonFinite] do.
func (c Chain) New() (Aggregator, error) {
	rule, err := New(c.Rule, c.Options)
	if err == nil && c.hasPre() {
		rule, err = NewPre(c.Pre, rule, c.Options)
	}
	if err == nil && c.Block != nil {
		rule, err = NewBlock(rule, *c.Block)
	}
	if err == nil && c.DropNonFinite {
		rule, err = DropNonFinite(rule)
	}
	if err != nil {
		return nil, err
	}
	return rule, nil
}

func (c Chain) hasPre() bool { return c.Pre != "" && c.Pre != NoPre }

// Reads returns the options that the rule or the pre-aggregator reads, the rule's
// first: others have no effect.
func (c Chain) Reads() []string {
	rule, _ := Lookup(c.Rule)
	pre, _ := LookupPre(c.Pre)
	return slices.Concat(rule.Options, pre.Options)
}
