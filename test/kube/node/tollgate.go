package node

// Tollgate is the program itself. Its listeners for operators are told their pod's address
// by the environment; those of Gateways by a flag. more gives more variables, and may be nil.
func Tollgate(path string, more func(ip string) []string) Image {
	return Image{
		Contains: "tollgate", Path: path,
		Env: func(ip string) []string {
			env := []string{"ADMIN_ADDR=off", "STATS_ADDR=" + ip + ":15020", "READINESS_ADDR=" + ip + ":15021"}
			if more != nil {
				env = append(env, more(ip)...)
			}
			return env
		},
		Args: func(ip string, args []string) []string {
			if len(args) > 0 && args[0] == "serve" {
				return append(args, "--kube-bind="+ip)
			}
			return args
		},
	}
}
