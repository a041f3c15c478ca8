curl --silent --show-error --fail-with-body "$INGRESS_GW_ADDRESS:8080/openai" -H "Authorization: Bearer $TOKEN" -H content-type:application/json -d '{
  "model": "",
  "messages": [
    {"role": "system", "content": "You explain programming in verse."},
    {"role": "user", "content": "What is recursion?"}
  ]
}'
