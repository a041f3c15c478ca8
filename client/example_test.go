package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"tollgate/api/admin"
	"tollgate/client"
)

func Example() {
	// A server that knows one answer stands for tollgate here.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"key":{"id":"key_3fT9aZ0bQ1Xy","name":"checkout-prod","status":"active"},"secret":"sk-tg-…"}`)
	}))
	defer server.Close()

	api, err := client.New(client.Options{URL: server.URL, Token: "tgadm-example"})
	if err != nil {
		log.Fatal(err)
	}
	made, err := api.CreateKey(context.Background(), admin.KeyInput{
		Name: "checkout-prod",
		Limits: []admin.Limit{
			{Kind: "cost", Amount: admin.Dollars("200.00"), Window: &admin.Window{Calendar: "month", Timezone: "Europe/Berlin"}},
			{Kind: "requests", Amount: admin.Count(60), Window: &admin.Window{Sliding: "60s"}},
		},
	})
	if err != nil {
		log.Fatal(err) // a *client.Error if the server refused it
	}
	fmt.Println(made.Key.ID, made.Secret)
	// Output: key_3fT9aZ0bQ1Xy sk-tg-…
}
