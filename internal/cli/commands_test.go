package cli_test

import (
	"strings"
	"testing"
)

// What the commands ask of the server, and what they print.
func TestCommands(t *testing.T) {
	const limit = `{"id":"lim_pool","name":"payments","kind":"cost","amount":"500.00","per":"pool","match":{"label.team":"payments"},"window":{"calendar":"month"},"spent":"120.00","reserved":"1.50","remaining":"378.50","resets_at":"2026-12-01T00:00:00Z","origin":"managed","keys":3,"created_at":"2026-10-01T10:00:00Z","created_by":"owner","updated_at":"2026-10-01T10:00:00Z","etag":"\"3\""}`
	const each = `{"id":"lim_each","name":"default","kind":"cost","amount":"5.00","per":"each","match":{},"window":{"calendar":"day"},"origin":"file","keys":1200,"created_at":"2026-10-01T10:00:00Z","created_by":"config.yaml","updated_at":"2026-10-01T10:00:00Z","etag":"\"1\""}`
	const credential = `{"id":"cred_1","name":"openai-main","provider":"openAI","host":"api.openai.com","last4":"9xYz","created_at":"2026-10-01T10:00:00Z","created_by":"owner","updated_at":"2026-10-01T10:00:00Z","rotated_at":null,"tested_at":"2026-11-21T10:00:00Z","test_result":"accepted","etag":"\"1\""}`
	const request = `{"id":"req_1","at":"2026-11-21T11:59:30Z","key_id":"key_3fT9aZ0bQ1Xy","key_name":"checkout-prod","labels":{"team":"payments"},"operation":"chat","dialect":"openai","model_asked":"gpt-5","model_sent":"gpt-5-2025-08-07","provider":"openai","streamed":true,"client":"10.1.2.3","status":200,"outcome":"served","duration_seconds":3.456,"first_byte_seconds":0.4,"tokens":{"input":12345,"output":678,"cached_input":1000},"cost_usd":"0.022211250","price":"known","cost_source":"provider","price_version":"genai-prices@0.1.8","attempts":[{"provider":"azure","model":"gpt-5","status":503,"error":"upstream_unreachable","duration_seconds":0.1,"bound_usd":"0.50","cost_usd":"0.00","tokens":{"input":0,"output":0}},{"provider":"openai","model":"gpt-5-2025-08-07","status":200,"duration_seconds":3.3,"bound_usd":"0.50","cost_usd":"0.02221125","tokens":{"input":12345,"output":678},"lines":[{"kind":"input","quantity":11345,"price_usd":"1.25","cost_usd":"0.01418125"},{"kind":"output","quantity":678,"price_usd":"10.00","cost_usd":"0.00678"}]}]}`
	const refused = `{"id":"req_2","at":"2026-11-21T11:50:00Z","key_id":"key_3fT9aZ0bQ1Xy","key_name":"evil\u001b[31mname","operation":"chat","dialect":"openai","model_asked":"mystery","streamed":false,"status":429,"outcome":"refused","code":"budget_exceeded","duration_seconds":0.001,"tokens":{"input":0,"output":0},"cost_usd":"0.00","price":"unknown","refusal":{"limit_id":"lim_day","kind":"cost","window":"day","reason":"exhausted","amount":"20.00","spent":"19.999","reserved":"0.00","asked":"0.50","resets_at":"2026-11-22T00:00:00Z"}}`
	const sums = `"requests":1200,"refused":7,"failed":2,"input_tokens":1234567,"output_tokens":89012,"cached_input_tokens":1000,"reasoning_tokens":0,"cost_usd":"12.345678","unpriced_requests":3,"mean_duration_seconds":1.5`
	const event = `{"id":17,"at":"2026-11-21T11:00:00Z","actor":{"kind":"token","id":"adm_1","name":"alice","role":"admin","from":"10.0.0.1"},"action":"key.edit","target":{"kind":"key","id":"key_3fT9aZ0bQ1Xy","name":"checkout-prod"},"outcome":"done","diff":[{"path":"limits.lim_cost.amount","before":"100.00","after":"200.00"}],"previous":"00","hash":"01"}`
	const denied = `{"id":18,"at":"2026-11-21T11:30:00Z","actor":{"kind":"token","id":"adm_2","name":"bob","role":"viewer"},"action":"key.delete","target":{"kind":"key","id":"key_x"},"outcome":"refused","reason":"the role viewer may not do that","previous":"01","hash":"02"}`
	created := `201 {"key":` + key("") + `,"secret":"sk-tg-CANARY","event_id":9}`
	changed := `200 {"key":` + key("") + `,"event_id":9}`
	for _, c := range []struct {
		name    string
		answers []string // route, answer, route, answer…
		stdin   string
		args    string // split at |
	}{
		{name: "keys create", answers: []string{"POST /api/v1/keys", created},
			args: "keys|create|checkout-prod|--cost|200/month|--cost|20/day@Europe/Berlin|--tokens|5M/week for gpt-5*|--rpm|60|--concurrency|8|--models|gpt-5*,o3|--deny|gpt-5-pro|--operations|chat|--networks|10.0.0.0/8|--label|team=a,b;c|--label|env=prod|--expires|90d|--max-tokens|1000|--clamp|--discreet|--disabled"},
		{name: "keys create json", answers: []string{"POST /api/v1/keys", created}, args: "keys|create|x|-o|json"},
		{name: "keys create without limits", answers: []string{"POST /api/v1/keys", `201 {"key":` + key(`{"limits":[],"shared_limits":null,"expires_at":null}`) + `,"secret":"sk-tg-CANARY","event_id":9}`}, args: "keys|create|x"},
		{name: "keys create refused", answers: []string{"POST /api/v1/keys", `422 {"status":422,"detail":"the key cannot be made","errors":[{"path":"models.allow[0]","message":"is no pattern","suggestion":"gpt-5*"}]}`}, args: "keys|create|x|--models|g*5"},
		{name: "keys create one problem", answers: []string{"POST /api/v1/keys", `422 {"status":422,"code":"invalid","detail":"operations[0]: \"caht\" is none of chat","errors":[{"path":"operations[0]","message":"\"caht\" is none of chat","suggestion":"chat"}]}`}, args: "keys|create|x|--operations|caht"},
		{name: "keys create taken", answers: []string{"POST /api/v1/keys", `409 {"status":409,"detail":"there is a key with that name","code":"name_taken"}`}, args: "keys|create|x"},
		{name: "keys list", answers: []string{"GET /api/v1/keys", `200 {"keys":[` + key("") + `,` + key(`{"id":"key_2","name":"über\u0007","limits":[],"shared_limits":[],"expires_at":null,"last_used_at":null,"status":"revoked"}`) + `],"next":"abc"}`},
			args: "keys|list|--uncapped|--idle|90d|--expiring|1w|--label|team=a|--status|active|-q|check|--sort=-name"},
		{name: "keys list all json", answers: []string{"GET /api/v1/keys", `200 {"keys":[],"next":"abc"}`, "GET /api/v1/keys", `200 {"keys":[]}`}, args: "keys|list|--all|-o|json"},
		{name: "keys list none", answers: []string{"GET /api/v1/keys", `200 {"keys":[]}`}, args: "keys|list"},
		{name: "keys list no such", answers: []string{"GET /api/v1/keys", `200 {"keys":[]}`}, args: "keys|list|--uncapped"},
		{name: "keys show", answers: []string{"GET /api/v1/keys/checkout-prod", "200 " + key(`{"status":"disabled","reason":"leaked","legacy":true,"max_tokens":1000,"clamp":true,"discreet":true}`)}, args: "keys|show|checkout-prod"},
		{name: "keys show plain", answers: []string{"GET /api/v1/keys/x", "200 " + key(`{"models":null,"networks":[],"operations":["chat","responses"],"labels":null,"limits":[],"shared_limits":null,"secrets":[],"expires_at":null,"last_used_at":null,"origin":"file"}`)}, args: "keys|show|x"},
		{name: "keys show missing", args: "keys|show|nothing"},
		{name: "keys set fields", answers: []string{"PATCH /api/v1/keys/x", changed},
			args: "keys|set|x|--rename|y|--all-models|--no-deny|--operations|chat|--all-networks|--label|env=dev|--no-label|team|--never-expires|--max-tokens|0|--no-clamp|--discreet"},
		{name: "keys set limits", answers: []string{"GET /api/v1/keys/x", "200 " + key(""), "PATCH /api/v1/keys/key_3fT9aZ0bQ1Xy", changed},
			args: "keys|set|x|--cost|300/month|--tokens|5M/week|--no-limit|lim_day|--limit|lim_rpm=90/min"},
		{name: "keys set clears", answers: []string{"GET /api/v1/keys/x", "200 " + key(""), "PATCH /api/v1/keys/key_3fT9aZ0bQ1Xy", changed},
			args: "keys|set|x|--no-cost|--cost|40/day|--cost|5|--no-requests|--no-concurrency"},
		{name: "keys set stale", answers: []string{"GET /api/v1/keys/x", "200 " + key(""), "GET /api/v1/keys/x", "200 " + key(`{"etag":"\"8\"","limits":[]}`), "PATCH /api/v1/keys/key_3fT9aZ0bQ1Xy", `412 {"status":412,"detail":"stale"}`, "PATCH /api/v1/keys/key_3fT9aZ0bQ1Xy", changed},
			args: "keys|set|x|--rpm|30"},
		{name: "keys set unknown limit", answers: []string{"GET /api/v1/keys/x", "200 " + key("")}, args: "keys|set|x|--no-limit|lim_other"},
		{name: "keys set shared limit", answers: []string{"GET /api/v1/keys/x", "200 " + key("")}, args: "keys|set|x|--limit|lim_pool=5"},
		{name: "keys rotate", answers: []string{"POST /api/v1/keys/x/rotate", created}, args: "keys|rotate|x|--grace|1d"},
		{name: "keys rotate at once", answers: []string{"POST /api/v1/keys/x/rotate", created}, args: "keys|rotate|x|--grace|0s"},
		{name: "keys disable", answers: []string{"POST /api/v1/keys/x/disable", changed}, args: "keys|disable|x|--reason|leaked"},
		{name: "keys enable", answers: []string{"POST /api/v1/keys/x/enable", changed}, args: "keys|enable|x"},
		{name: "keys revoke", answers: []string{"POST /api/v1/keys/x/revoke", changed}, args: "keys|revoke|x"},
		{name: "keys revoke cut", answers: []string{"POST /api/v1/keys/x/revoke", changed}, args: "keys|revoke|x|--cut|--reason|leaked|-o|json"},
		{name: "keys delete", answers: []string{"DELETE /api/v1/keys/x", `200 {"id":"key_1","event_id":3}`}, args: "keys|delete|x|--yes|--reason|old"},
		{name: "keys import", stdin: "name,secret\na,b\n", answers: []string{"POST /api/v1/keys:import", `200 {"dry_run":true,"format":"csv","created":1,"unchanged":2,"refused":1,"lines":[{"line":4,"name":"b","outcome":"refused","message":"is there twice"}]}`}, args: "keys|import|-|--format|csv|--dry-run|--skip-refused"},
		{name: "limits list", answers: []string{"GET /api/v1/limits", `200 {"limits":[` + limit + `,` + each + `]}`}, args: "limits|list"},
		{name: "limits create", answers: []string{"POST /api/v1/limits", `201 {"limit":` + limit + `,"event_id":4}`}, args: "limits|create|payments|--cost|500/month|--label|team=payments"},
		{name: "limits set", answers: []string{"GET /api/v1/limits/payments", "200 " + limit, "PATCH /api/v1/limits/lim_pool", `200 {"limit":` + limit + `,"event_id":4}`}, args: "limits|set|payments|--cost|600/month|--label|env=prod"},
		{name: "limits set window", answers: []string{"GET /api/v1/limits/payments", "200 " + limit, "PATCH /api/v1/limits/lim_pool", `200 {"limit":` + limit + `,"event_id":4}`}, args: "limits|set|payments|--cost|600/week@Europe/Berlin|--every-key|--rename|all"},
		{name: "limits set kind", answers: []string{"GET /api/v1/limits/payments", "200 " + limit}, args: "limits|set|payments|--tokens|600/week"},
		{name: "limits delete", answers: []string{"DELETE /api/v1/limits/payments", `200 {"id":"lim_pool","event_id":5}`}, args: "limits|delete|payments|--yes"},
		{name: "limits adjust", answers: []string{"GET /api/v1/keys/checkout-prod", "200 " + key(""), "POST /api/v1/limits/lim_day/adjust", `200 {"by":"-2.50","limit":{"id":"lim_day","kind":"cost","amount":"20.00","window":{"calendar":"day"},"spent":"17.499","reserved":"0.00","remaining":"2.501","resets_at":"2026-11-22T00:00:00Z"},"event_id":6}`},
			args: "limits|adjust|lim_day|--key|checkout-prod|--by=-2.50|--reason|credit"},
		{name: "limits adjust unknown", args: "limits|adjust|lim_day|--by=5|--reason|credit"},
		{name: "credentials list", answers: []string{"GET /api/v1/credentials", `200 {"credentials":[` + credential + `]}`}, args: "credentials|list"},
		{name: "credentials add", stdin: "  sk-provider-value\n", answers: []string{"POST /api/v1/credentials", `201 {"credential":` + credential + `,"event_id":7}`}, args: "credentials|add|openai-main|--provider|openAI"},
		{name: "credentials rotate", answers: []string{"POST /api/v1/credentials/openai-main/rotate", `200 {"credential":` + credential + `,"event_id":7}`}, args: "credentials|rotate|openai-main|--from-env|PROVIDER_KEY"},
		{name: "credentials test", answers: []string{"POST /api/v1/credentials/x/test", `200 {"ok":false,"status":401,"message":"the provider answered 401","event_id":8}`}, args: "credentials|test|x"},
		{name: "credentials test unreachable", answers: []string{"POST /api/v1/credentials/x/test", `200 {"ok":false,"message":"the provider cannot be reached","event_id":8}`}, args: "credentials|test|x"},
		{name: "credentials delete", answers: []string{"DELETE /api/v1/credentials/x", `200 {"id":"cred_1","event_id":8}`}, args: "credentials|delete|x|-y"},
		{name: "tokens list", answers: []string{"GET /api/v1/admin-tokens", `200 {"tokens":[{"id":"adm_1","name":"owner","role":"owner","last4":"abcd","created_at":"2026-10-01T10:00:00Z","created_by":"system","expires_at":null,"last_used_at":"2026-11-21T11:59:00Z"}]}`}, args: "tokens|list"},
		{name: "tokens create", answers: []string{"POST /api/v1/admin-tokens", `201 {"token":{"id":"adm_2","name":"ci","role":"admin","last4":"wxyz","created_at":"2026-11-21T12:00:00Z","created_by":"owner","expires_at":null,"last_used_at":null},"secret":"adm-CANARY","event_id":9}`}, args: "tokens|create|ci|--role|admin|--expires|2026-12-31"},
		{name: "tokens delete", answers: []string{"DELETE /api/v1/admin-tokens/adm_2", `200 {"id":"adm_2","event_id":9}`}, args: "tokens|delete|adm_2|--yes"},
		{name: "check passes", answers: []string{"POST /api/v1/check", `200 {"allowed":true,"bound":{"cost_usd":"0.0225","tokens":2500},"price":"known"}`}, args: "check|x|--model|gpt-5|--input-tokens|2000|--max-tokens|500"},
		{name: "check refused", answers: []string{"POST /api/v1/check", `200 {"allowed":false,"status":429,"code":"budget_exceeded","message":"the budget is used up","limit":{"id":"lim_day","kind":"cost","amount":"20.00","window":{"calendar":"day"}},"limits":[{"id":"lim_day","kind":"cost","amount":"20.00","window":{"calendar":"day"},"spent":"20.10","reserved":"0.00","remaining":"0.00","overrun":"0.10","resets_at":"2026-11-22T00:00:00Z"}]}`}, args: "check|x|--model|gpt-5"},
		{name: "usage", answers: []string{"GET /api/v1/usage", `200 {"from":"2026-10-01T00:00:00Z","to":"2026-11-01T00:00:00Z","total":{` + sums + `},"groups":[{"group":{"key":"key_1","label.team":"payments"},"name":"checkout-prod",` + sums + `},{"group":{"key":"key_2","label.team":""},` + sums + `}]}`}, args: "usage|--by|key,team|--month|2026-10"},
		{name: "usage unknown label", answers: []string{"GET /api/v1/usage", `200 {"from":"2026-10-01T00:00:00Z","to":"2026-11-01T00:00:00Z","total":{` + sums + `},"groups":[{"group":{"label.modle":""},` + sums + `}]}`}, args: "usage|--by|modle|--month|2026-10"},
		{name: "usage total", answers: []string{"GET /api/v1/usage", `200 {"from":"2026-11-14T12:00:00Z","to":"2026-11-21T12:00:00Z","total":{` + sums + `},"groups":[]}`}, args: "usage|--from|7d|--label|env=prod"},
		{name: "usage csv", answers: []string{"GET /api/v1/usage.csv", "200 team,cost_usd\npayments,12.345678\n"}, args: "usage|--by|label.team|--month|2026-10|--timezone|Europe/Berlin|--csv"},
		{name: "requests", answers: []string{"GET /api/v1/requests", `200 {"requests":[` + request + `,` + refused + `],"next":"c2"}`}, args: "requests|--key|checkout-prod|--status|429|--from|2026-11-01"},
		{name: "requests list", answers: []string{"GET /api/v1/requests", `200 {"requests":[]}`}, args: "requests|list|--outcome|refused"},
		{name: "requests show", answers: []string{"GET /api/v1/requests/req_1", "200 " + request}, args: "requests|show|req_1"},
		{name: "why", answers: []string{"GET /api/v1/requests/req_2/why", `200 {"request":` + refused + `,"sentences":["The limit lim_day refused it.","It had spent $19.999 of $20.00."]}`}, args: "why|req_2"},
		{name: "prices", answers: []string{"GET /api/v1/prices", `200 {"prices":[{"provider":"openai","model":"gpt-5","state":"known","version":"v","context_window":400000,"max_output":128000,"tiers":[{"rates":[{"kind":"input","price_usd":"1.25","per":"million","origin":{"source":"genai-prices","version":"0.1.8","date":"2026-09-23"}},{"kind":"webSearch","price_usd":"0.01","per":"one","origin":{"source":"own"}}]},{"over_input_tokens":200000,"rates":[{"kind":"input","price_usd":"2.50","per":"million","origin":{"source":"genai-prices"}}]},{"service":"batch","factor":"0.50","rates":[{"kind":"input","price_usd":"1.25","per":"million","origin":{"source":"genai-prices","version":"0.1.8","date":"2026-09-23"}},{"kind":"webSearch","price_usd":"0.01","per":"one","origin":{"source":"own"}}]}],"origins":[],"unmetered":["storage"]},{"provider":"x","model":"y","state":"unknown","version":"","tiers":[],"origins":[]}],"origins":[]}`}, args: "prices|gpt-5"},
		{name: "prices search", answers: []string{"GET /api/v1/prices", `200 {"prices":[{"provider":"openai","model":"gpt-5","state":"known","tiers":[{"rates":[{"kind":"input","price_usd":"1.25","per":"million","origin":{"source":"s"}}]}]}],"origins":[],"next":"n"}`}, args: "prices|--search|gpt"},
		{name: "prices overrides", answers: []string{"GET /api/v1/prices/overrides", `200 {"list":{"format":"tollgate/prices/1","providers":{}},"etag":"\"1\""}`}, args: "prices|overrides"},
		{name: "prices overrides set", stdin: `{"format":"tollgate/prices/1"}`, answers: []string{"PUT /api/v1/prices/overrides", `200 {"list":{"format":"tollgate/prices/1"},"event_id":3}`}, args: "prices|overrides|--set|-"},
		{name: "providers", answers: []string{"GET /api/v1/providers", `200 {"providers":[
			{"name":"anthropic","default_host":"api.anthropic.com","credentials":["spare"],"models":[],"targets":[]},
			{"name":"openai","default_host":"api.openai.com","credentials":["main","next"],"models":["gpt-*"],"targets":[
				{"backend":"gpt-*","host":"api.openai.com","state":"resting","rests_until":"2026-11-21T12:00:30Z","failures_in_a_row":2,"latency_seconds":0.36,"requests_5m":1212,"failed_5m":2,"last_error":"answered with status 503","last_error_at":"2026-11-21T11:57:00Z"},
				{"backend":"far","host":"localhost:9","model":"gpt-5","state":"unknown","rests_until":null,"failures_in_a_row":0,"requests_5m":0,"failed_5m":0,"last_error_at":null}]}]}`}, args: "providers"},
		{name: "models", answers: []string{"GET /api/v1/models", `200 {"models":[{"name":"gpt-5","providers":["openAI","azure"],"upstream":["gpt-5-2025-08-07"],"price":"known"},{"name":"gpt-*","providers":["openAI"],"price":""}]}`}, args: "models"},
		{name: "audit tail", answers: []string{"GET /api/v1/audit", `200 {"events":[` + denied + `,` + event + `]}`}, args: "audit|tail|-n|2|--action|key.edit"},
		{name: "audit tail json", answers: []string{"GET /api/v1/audit", `200 {"events":[` + denied + `,` + event + `]}`}, args: "audit|tail|-o|json"},
		{name: "audit export", answers: []string{"GET /api/v1/audit/export", "200 {\"id\":1}\n"}, args: "audit|export|--from|2026-11-01"},
		{name: "audit verify", answers: []string{"GET /api/v1/audit/verify", `200 {"ok":true,"events":1204,"tip":"9f86d0"}`}, args: "audit|verify"},
		{name: "audit verify altered", answers: []string{"GET /api/v1/audit/verify", `200 {"ok":false,"events":16,"tip":"9f86d0","problem":"altered","message":"audit event 17: its hash is not that of what it says"}`}, args: "audit|verify"},
		{name: "status", answers: []string{"GET /api/v1/health", `200 {"version":"1.0","started_at":"2026-11-20T12:00:00Z","reloaded_at":"2026-11-21T11:00:00Z","reload_error":"config.yaml:3:1: unknown field","data_dir":"/var/lib/tollgate","database":"/var/lib/tollgate/tollgate.db","ledger_rows":1234,"master_key":false}`}, args: "status"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.env["PROVIDER_KEY"] = "sk-of-environment"
			for i := 0; i < len(c.answers); i += 2 {
				w.answers[c.answers[i]] = append(w.answers[c.answers[i]], c.answers[i+1])
			}
			w.golden(c.name, w.run(c.stdin, strings.Split(c.args, "|")...).String())
		})
	}
}
