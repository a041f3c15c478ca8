// Package helm has the tests of the Helm chart, in a module of their own: Helm's libraries
// are no part of the program.
package helm
