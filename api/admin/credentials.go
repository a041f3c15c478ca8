package admin

import "time"

// Credential is a provider credential, without its value.
type Credential struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Provider   string     `json:"provider"`
	Host       string     `json:"host" doc:"The only host that it is sent to"`
	Last4      string     `json:"last4"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	RotatedAt  *time.Time `json:"rotated_at"`
	TestedAt   *time.Time `json:"tested_at"`
	TestOK     *bool      `json:"test_ok" doc:"Whether the provider accepted it when it was tested last. Null: it was not tested"`
	TestResult string     `json:"test_result,omitempty" doc:"What the last test said"`
	UsedBy     []string   `json:"used_by" nullable:"false" doc:"Places in the configuration in force that name it. While there are any it can be neither renamed nor deleted"`
	ETag       string     `json:"etag"`
}

// CredentialInput is what a provider credential is made of.
type CredentialInput struct {
	Name     string `json:"name" minLength:"1" maxLength:"128"`
	Provider string `json:"provider" example:"openai"`
	Host     string `json:"host,omitempty" doc:"Default: the provider's own"`
	Value    string `json:"value" minLength:"1" doc:"Never shown again"`
}

// CredentialEdit is what can be edited of a credential.
type CredentialEdit struct {
	Name string `json:"name" minLength:"1" maxLength:"128"`
	Host string `json:"host" doc:"Cannot be changed: the value is bound to it"`
}

// CredentialValue replaces the value of a credential.
type CredentialValue struct {
	Value string `json:"value" minLength:"1"`
}

// CredentialChanged is a credential after a change.
type CredentialChanged struct {
	Credential Credential `json:"credential"`
	EventID    uint64     `json:"event_id"`
}

// CredentialList is all provider credentials.
type CredentialList struct {
	Credentials []Credential `json:"credentials"`
}

// CredentialTest is the result of a test call.
type CredentialTest struct {
	OK      bool   `json:"ok"`
	Status  int    `json:"status,omitempty" doc:"What the provider answered"`
	Message string `json:"message"`
	EventID uint64 `json:"event_id"`
}
