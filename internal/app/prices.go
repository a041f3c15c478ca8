package app

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/config"
)

// prices is the stack of price lists: those of the program, those of the
// configuration's files over them, and the operator's own over all.
type prices struct {
	embedded []*catalog.Layer
	files    atomic.Pointer[[]*catalog.Layer]
	own      atomic.Pointer[catalog.Layer]
	live     atomic.Pointer[catalog.Catalog]
}

func newPrices() (*prices, error) {
	embedded, err := catalog.Embedded()
	if err != nil {
		return nil, fmt.Errorf("read the price lists of the program: %w", err)
	}
	p := &prices{embedded: embedded}
	p.stack()
	return p, nil
}

// stack makes what is in force of the lists there are. Requests under way keep
// the prices that they began with.
func (p *prices) stack() {
	layers := append([]*catalog.Layer(nil), p.embedded...)
	if files := p.files.Load(); files != nil {
		layers = append(layers, *files...)
	}
	if own := p.own.Load(); own != nil {
		layers = append(layers, own)
	}
	p.live.Store(catalog.New(layers...))
}

// use puts the lists of a configuration in force.
func (p *prices) use(files []*catalog.Layer) {
	p.files.Store(&files)
	p.stack()
}

// read parses the price lists that a configuration names.
func readPrices(c *config.Config, report *config.Report) []*catalog.Layer {
	layers := make([]*catalog.Layer, 0, len(c.Prices))
	for _, f := range c.Prices {
		layer, err := catalog.Parse(f.Name, f.Text)
		if err != nil {
			report.Add(f.At, "%v", err)
			continue
		}
		if f.File {
			layer = dated(layer, f.Name)
		}
		layers = append(layers, layer)
	}
	return layers
}

// dated gives a list that does not tell its date that of its file.
func dated(layer *catalog.Layer, file string) *catalog.Layer {
	info, err := os.Stat(file)
	if err != nil {
		return layer // it was there a moment ago; the date is not worth a refusal
	}
	return layer.Dated(info.ModTime().UTC().Format(time.DateOnly))
}
