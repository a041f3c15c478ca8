package config
import ("testing";"os";"fmt";"encoding/json")
func TestTry(t *testing.T){
  for _, f := range os.Args[len(os.Args)-1:] { _ = f }
  src, err := ReadSource(os.Getenv("TRY")); if err!=nil {t.Fatal(err)}
  c, r := Load(src, Options{})
  fmt.Println(r.Err()); fmt.Println("W", r.Warnings)
  if os.Getenv("DUMP")!="" { b, err := json.MarshalIndent(c,""," "); fmt.Println(string(b), err) }
  s, err := Schema(); fmt.Println(len(s), err)
}
