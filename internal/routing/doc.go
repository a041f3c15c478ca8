// Package routing decides where a request goes: which route of a listener its
// head matches, which model entry its model name falls under, and in what order
// the targets of a route are tried. It owns precedence and health, and knows
// neither HTTP nor providers.
package routing
