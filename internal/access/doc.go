// Package access says who may do what: the patterns that name models and the
// rules that allow, deny or require. It owns how patterns match, which of two
// is more specific and how rules combine. What a condition looks at is the
// business of expression, and what becomes of a refusal that of its caller.
package access
