package client

import (
	"iter"
)

// pages goes through all pages of a list: page reads the one at a cursor and gives
// the cursor of the next, "" after the last.
func pages[T any](cursor string, page func(cursor string) ([]T, string, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for {
			list, next, err := page(cursor)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
			if next == "" || next == cursor {
				return
			}
			cursor = next
		}
	}
}

// fullPage is how many rows are asked for at once where all of them are wanted.
const fullPage = 200
