// Package ratelimit is the token bucket that agentgateway calls
// localRateLimit: how it fills, what it admits and what it is charged
// afterwards, and a registry that keeps the buckets in use alive across changes
// of the configuration. It decides in pure functions of the time that it is
// given, does no I/O and knows neither requests nor callers; which rules apply
// to a request and what a refusal looks like is the business of others.
//
// # The bucket
//
// A bucket begins full with Max. At every whole Interval after its creation
// PerFill is added, up to Max. Fills that were missed while nobody looked count.
//
//   - A rule on requests takes 1 at admission, and nothing later.
//   - A rule on tokens that are estimated beforehand takes the estimate at
//     admission; afterwards it is corrected to what was used.
//   - A rule on tokens that are not estimated admits while anything is left,
//     takes nothing, and is charged afterwards.
//
// A charge that exceeds what is left empties the bucket and the rest is
// forgiven: the next fill is available at once. A correction in the caller's
// favour never fills a bucket above Max (in agentgateway it can, until the next
// fill).
//
// # Changes of the configuration
//
// A bucket belongs to the identity of its rule (and to a value of the rule's
// key, if it has one), not to a version of the configuration. When the amounts
// of a rule change, what has been consumed stays consumed: the new bucket holds
// Max less what was missing from the old one, and at least nothing. The phase
// of its fills stays as well.
package ratelimit
