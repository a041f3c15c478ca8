package stack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// auditPolicy keeps what service accounts do, without contents.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [admin, "system:anonymous"]
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
`

// Event is a request that a service account made.
type Event struct {
	Verb string `json:"verb"`
	User struct {
		Username string              `json:"username"`
		Extra    map[string][]string `json:"extra"`
	} `json:"user"`
	Object struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Response struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	// Annotations have the decision on permissions, see Forbidden.
	Annotations map[string]string `json:"annotations"`
	// Stage is ResponseStarted for a watch that has begun, otherwise ResponseComplete.
	Stage     string    `json:"stage"`
	UserAgent string    `json:"userAgent"`
	URI       string    `json:"requestURI"`
	At        time.Time `json:"requestReceivedTimestamp"`
}

// Pod gives the name of the pod that made the request, "" for none.
func (e *Event) Pod() string {
	if names := e.User.Extra["authentication.kubernetes.io/pod-name"]; len(names) == 1 {
		return names[0]
	}
	return ""
}

// Forbidden tells that the account lacked the permission, which is not the only reason to
// refuse a request with 403.
func (e *Event) Forbidden() bool { return e.Annotations["authorization.k8s.io/decision"] == "forbid" }

func (s *Stack) auditLog() string { return filepath.Join(s.dir, "audit.log") }

// Events gives all that service accounts have requested so far, the oldest first.
func (s *Stack) Events() ([]Event, error) {
	file, err := os.Open(s.auditLog())
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	defer file.Close()
	var events []Event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			break // the line that is being written
		}
		events = append(events, e)
	}
	return events, lines.Err()
}
