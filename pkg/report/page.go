// Package report makes one self-contained HTML page of recorded runs: tables,
// figures to explore, and every run's configuration, environment and log.
//
// The page holds the records as JSON, and a script draws everything from it, so
// that the same script shows a page from a file and one that a server keeps up
// to date. Text from records reaches the page through textContent alone. Nothing
// is loaded from elsewhere.
package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/record"
)

var (
	//go:embed page.html
	layout string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// Data is what the page shows.
type Data struct {
	Results string            `json:"results"` // where the records are
	Live    bool              `json:"live"`    // the page asks for data.json again and again
	Runs    []Run             `json:"runs"`
	Tables  []*evidence.Table `json:"tables"`
	LeftOut []string          `json:"left_out"` // runs, and why
}

// Run is one record.
type Run struct {
	Dir         string             `json:"dir"`
	Experiment  string             `json:"experiment"`
	Status      record.Status      `json:"status"`
	Facts       evidence.Facts     `json:"facts"`
	Variant     string             `json:"variant"` // equal for runs that differ in their seeds alone
	Epochs      []record.Epoch     `json:"epochs"`
	Summary     *record.Summary    `json:"summary,omitempty"`
	Config      string             `json:"config"`
	Environment record.Environment `json:"environment"`
	Sessions    []record.Session   `json:"sessions,omitempty"`
}

// Read gathers what the page shows of the runs below a folder, one run of each
// configuration and seed. LeftOut names the others, and those that cannot be read. A
// folder without any run makes a page, too.
func Read(results string) *Data {
	d := &Data{Results: results, Runs: []Run{}, Tables: []*evidence.Table{}, LeftOut: []string{}}
	runs, err := record.ReadAll(results)
	d.leaveOut(err)
	kept, err := evidence.Distinct(runs)
	d.leaveOut(err)
	var profiles []string
	for _, r := range kept {
		f, err := evidence.FactsOf(r)
		if err != nil {
			d.leaveOut(err)
			continue
		}
		if !slices.Contains(profiles, f.Profile) {
			profiles = append(profiles, f.Profile)
		}
		variant := sha256.Sum256([]byte(f.Variant()))
		d.Runs = append(d.Runs, Run{
			Dir: r.Dir, Experiment: r.Experiment(), Status: r.Status(), Facts: f, Variant: hex.EncodeToString(variant[:4]),
			Epochs: r.Epochs, Summary: r.Summary, Config: string(r.Config), Environment: r.Environment, Sessions: r.Sessions,
		})
	}
	slices.Sort(profiles)
	for _, profile := range profiles {
		d.tabulate(runs, profile)
	}
	return d
}

// Unsealed counts the runs that have ended without a seal ([record.Seal]).
func (d *Data) Unsealed() int {
	n := 0
	for _, r := range d.Runs {
		if r.Summary != nil && r.Summary.Seal == nil {
			n++
		}
	}
	return n
}

func (d *Data) leaveOut(err error) {
	if err != nil {
		d.LeftOut = append(d.LeftOut, strings.Split(err.Error(), "\n")...)
	}
}

// tabulate adds those of the paper's tables for which there is a run, and the table of
// all runs if some are in none of them.
func (d *Data) tabulate(runs []*record.Run, profile string) {
	shown := 0
	for _, number := range []int{2, 3} {
		t, _ := evidence.PaperTable(number, runs, profile) // its error is in LeftOut
		if n := measured(t); n > 0 {
			shown += n
			d.Tables = append(d.Tables, t)
		}
	}
	t, _ := evidence.RunsTable("All runs: test accuracy, %", runs, profile)
	if measured(t) > shown {
		d.Tables = append(d.Tables, t)
	}
}

// measured counts the cells of a table that have runs.
func measured(t *evidence.Table) int {
	n := 0
	for _, r := range t.Rows {
		for _, c := range r.Cells {
			if c.Measured != nil {
				n++
			}
		}
	}
	return n
}

// JSON returns the data as the page reads it; no part of it can end the page's
// script element, since <, > and & are escaped.
func (d *Data) JSON() ([]byte, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b, nil
}

// HTML returns the page. Equal records give equal bytes.
func (d *Data) HTML() ([]byte, error) {
	data, err := d.JSON()
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Parse(layout)
	var b bytes.Buffer
	if err == nil {
		err = t.Execute(&b, map[string]string{"Style": style, "Script": script, "Data": string(data)})
	}
	if err != nil {
		return nil, errors.Join(errors.New("report: layout"), err)
	}
	return b.Bytes(), nil
}
