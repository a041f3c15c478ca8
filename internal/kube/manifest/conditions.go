package manifest

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fault is what is wrong with something, as a condition says it; the zero fault is none.
type fault struct {
	reason  string
	message string
}

func faultOf[R ~string](reason R, format string, args ...any) fault {
	return fault{reason: string(reason), message: fmt.Sprintf(format, args...)}
}

func (f fault) none() bool { return f.reason == "" }

// or gives the first of two faults.
func (f fault) or(second fault) fault {
	if f.none() {
		return second
	}
	return f
}

// stands gives a condition that is true unless there is a fault.
func stands[T, R ~string](kind T, fine R, message string, f fault, generation int64) metav1.Condition {
	if f.none() {
		return condition(kind, metav1.ConditionTrue, fine, message, generation)
	}
	return condition(kind, metav1.ConditionFalse, f.reason, f.message, generation)
}

// condition gives a condition without a time: whoever writes it knows whether it changed.
func condition[T, R ~string](kind T, status metav1.ConditionStatus, reason R, message string, generation int64) metav1.Condition {
	return metav1.Condition{
		Type: string(kind), Status: status, Reason: string(reason), Message: bounded(message), ObservedGeneration: generation,
	}
}

// maxMessage bounds the text of a condition, in bytes; the API refuses much longer ones.
const maxMessage = 4096

func bounded(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " …"
}

// faults gathers what is wrong with several things of one object. The reason is that of
// the first.
type faults struct {
	reason   string
	messages []string
}

func (f *faults) add(one fault) {
	if one.none() {
		return
	}
	if f.reason == "" {
		f.reason = one.reason
	}
	if !slices.Contains(f.messages, one.message) {
		f.messages = append(f.messages, one.message)
	}
}

// fault gives all of them as one.
func (f *faults) fault() fault {
	return fault{f.reason, strings.Join(f.messages, "; ")}
}
