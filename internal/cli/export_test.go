package cli

// VerifyTrail checks an export without a command line around it.
var VerifyTrail = verifyTrail
