// Package catalog knows what models cost and how large they are. Price lists of
// several shapes are parsed into layers; a Catalog is an immutable stack of
// layers, in which a later one corrects an earlier one rate by rate; a Quote is
// the price of one model at one instant, which says what a consumption costs and
// what an attempt can cost at most.
//
// A model has a price, is declared free, or is unknown; unknown is never zero.
//
// The package parses bytes that it is given. It knows no files, no HTTP and no
// YAML, counts nothing and enforces no limit. All amounts are integers
// (package money).
package catalog

//go:generate npm --prefix ../../tools/prices ci --no-audit --no-fund
//go:generate node ../../tools/prices/generate.mjs
