import{W as e,_ as t,g as n}from"./numbers-D2b_00Ff.js";function r(e){return`'${e.replaceAll(`'`,`'\\''`)}'`}function i(e,t,n){let i=`${e.trim().replace(/\/+$/,``).replace(/\/v1$/,``)}/v1`,a=JSON.stringify({model:n,messages:[{role:`user`,content:`Hello`}]});return[{id:`curl`,name:`curl`,code:`curl ${r(`${i}/chat/completions`)} \\
  -H ${r(`Authorization: Bearer ${t}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${r(a)}`},{id:`python`,name:`Python`,code:`from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(i)}, api_key=${JSON.stringify(t)})
answer = client.chat.completions.create(
    model=${JSON.stringify(n)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`},{id:`node`,name:`Node`,code:`import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(i)}, apiKey: ${JSON.stringify(t)} });
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(n)},
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`}]}function a(e,t){let n=t.find(e=>!e.address.startsWith(`unix:`));if(!n)return`http://${e.hostname}:4000`;let r=n.address.lastIndexOf(`:`),i=n.address.slice(0,r),a=[``,`0.0.0.0`,`[::]`,`::`,`localhost`,`127.0.0.1`,`[::1]`].includes(i),[o,s]=n.tls?[`https`,`443`]:[`http`,`80`],c=n.address.slice(r+1);return`${o}://${a?e.hostname:i}${c===s?``:`:${c}`}`}function o(){let r=e({queryKey:[`health`],queryFn:({signal:e})=>t(n.GET(`/api/v1/health`,{signal:e})),staleTime:6e4});return a(window.location,r.data?.gateways??[])}export{i as n,o as t};