// Package spelling finds the word that was probably meant by one that nobody knows. It
// knows no words of its own.
package spelling

import "strings"

// longest is the length, in bytes, of the longest word that is compared.
const longest = 64

// Nearest gives the known word that was probably meant, "" if none is near. Of two that
// are equally near it is the one with the same first letter. Capitals do not count.
func Nearest(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, distance := "", 2+2*max(1, len(word)/3)
	for _, k := range known {
		low := strings.ToLower(k)
		n := 2 * edits(word, low)
		if word == "" || low == "" || word[0] != low[0] {
			n++
		}
		if n < distance {
			best, distance = k, n
		}
	}
	return best
}

// far is more than the distance of any two words.
const far = 2 * longest

// edits counts the insertions, deletions, replacements and swaps of neighbours between
// two words, of which the first is not long; a long one is far from it.
func edits(a, b string) int {
	if len(b) > longest {
		return far
	}
	var rows [3][longest + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		prior, last, row := &rows[(i+1)%3], &rows[(i+2)%3], &rows[i%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prior[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
