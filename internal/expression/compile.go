package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// SyntaxError is one thing that is wrong with an expression.
type SyntaxError struct {
	Line, Column int // both from 1, inside the expression
	Message      string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// costLimit bounds the work of an expression that loops, in CEL's units of cost
// (about the evaluation of one operator each). An expression without a loop is
// bounded by its own length.
const costLimit = 100_000

// Compile prepares an expression. The error joins one *SyntaxError for each
// thing that is wrong with it: what CEL does not understand, a member that the
// gateway and agentgateway do not know, and the disclosure of a key.
func Compile(source string) (*Program, error) {
	if !utf8.ValidString(source) {
		return nil, &SyntaxError{1, 1, "an expression must be valid UTF-8"}
	}
	if s, ok := parseSelector(source); ok {
		if err := s.check(); err != nil {
			return nil, err
		}
		return &Program{source: source, selector: &s, variables: s.variables(), missing: s.missing(), truth: s.canHold()}, nil
	}
	if strings.TrimSpace(source) == "" {
		return nil, &SyntaxError{1, 1, "an expression cannot be empty"}
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(source)
	if err := issues.Err(); err != nil {
		var problems []error
		for _, e := range issues.Errors() {
			problems = append(problems, &SyntaxError{e.Location.Line(), e.Location.Column() + 1, e.Message})
		}
		return nil, errors.Join(problems...)
	}
	found := inspect(checked.NativeRep())
	if len(found.problems) > 0 {
		return nil, errors.Join(found.problems...)
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if found.loops {
		options = append(options, cel.CostLimit(costLimit))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		return nil, &SyntaxError{1, 1, err.Error()}
	}
	kind := checked.OutputType().Kind()
	return &Program{
		source: source, program: program, variables: found.variables, missing: found.missing,
		truth: kind == cel.BoolKind || kind == cel.DynKind,
	}, nil
}

// environment is made when it is first needed: many configurations have no
// expression that needs it.
var environment = sync.OnceValues(newEnvironment)

func newEnvironment() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(),
		ext.Strings(),
		ext.Encoders(),
		cel.Macros(cel.ReceiverMacro("unredacted", 0, refuseUnredacted)),
		cel.Function("default",
			cel.Overload("default_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType,
				cel.OverloadIsNonStrict(), cel.BinaryBinding(func(a, b ref.Val) ref.Val { return firstValue(a, b) }))),
		cel.Function("coalesce", coalesceOverloads()...),
		cel.Function("json",
			cel.Overload("json_string", []*cel.Type{cel.StringType}, cel.DynType, cel.UnaryBinding(jsonValue))),
		cel.Variable(bodyVariable, cel.DynType),
	}
	for r := range shapes {
		options = append(options, cel.Variable(shapes[r].name, cel.MapType(cel.StringType, cel.DynType)))
	}
	for _, name := range emptyVariables {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the expression language: %w", err)
	}
	return env, nil
}

// maxCoalesced is how many expressions coalesce takes.
const maxCoalesced = 8

func coalesceOverloads() []cel.FunctionOpt {
	var overloads []cel.FunctionOpt
	types := []*cel.Type{cel.DynType}
	for n := 2; n <= maxCoalesced; n++ {
		types = append(types, cel.DynType)
		overloads = append(overloads, cel.Overload(fmt.Sprintf("coalesce_dyn_%d", n), slices.Clone(types), cel.DynType,
			cel.OverloadIsNonStrict(), cel.FunctionBinding(firstValue)))
	}
	return overloads
}

// firstValue gives the first argument that is neither an error nor null, and
// the last one if there is none.
func firstValue(values ...ref.Val) ref.Val {
	for _, v := range values {
		if !types.IsUnknownOrError(v) && v != types.NullValue {
			return v
		}
	}
	return values[len(values)-1]
}

func jsonValue(text ref.Val) ref.Val {
	v, err := parseJSON([]byte(string(text.(types.String))))
	if err != nil {
		return types.NewErr("json: %v", err)
	}
	return adapter.NativeToValue(v)
}

func refuseUnredacted(f cel.MacroExprFactory, target ast.Expr, _ []ast.Expr) (ast.Expr, *cel.Error) {
	return nil, f.NewError(target.ID(),
		"unredacted() is not supported: tollgate never shows a virtual key to an expression; use apiKey.id or apiKey.name to tell keys apart")
}

// findings are what inspect learns about an expression.
type findings struct {
	variables []string
	missing   []string
	loops     bool
	problems  []error
}

// inspect finds the variables of an expression and checks the members that it
// asks of them.
func inspect(a *ast.AST) findings {
	var f findings
	info := a.SourceInfo()
	selected := map[int64]bool{} // identifiers of which one member is asked
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			f.loops = true
		case ast.SelectKind:
			if operand := e.AsSelect().Operand(); operand.Kind() == ast.IdentKind {
				selected[operand.ID()] = true
				f.member(operand.AsIdent(), e.AsSelect().FieldName(), func() (int, int) {
					at := info.GetStartLocation(e.ID())
					return at.Line(), at.Column() + 1
				})
			}
		case ast.IdentKind:
			f.variable(e.AsIdent(), selected[e.ID()])
		}
	}))
	return f
}

// member takes note of variable.field.
func (f *findings) member(variable, field string, at func() (line, column int)) {
	missing, err := checkMember(variable, field)
	if err != nil {
		line, column := at()
		f.problems = append(f.problems, &SyntaxError{line, column, err.Error()})
	}
	if missing != "" {
		f.missing = append(f.missing, missing)
	}
	if variable == "llm" && field == "params" {
		f.use(bodyVariable)
	}
}

// variable takes note of a variable; selected tells that member was told which
// part of it is used.
func (f *findings) variable(name string, selected bool) {
	if slices.Contains(emptyVariables, name) {
		if !selected {
			f.missing = append(f.missing, name)
		}
		return
	}
	if name == "llm" && !selected { // any member may be used
		f.use(bodyVariable)
	}
	if name == bodyVariable || shapeOf(name) != nil {
		f.use(name)
	}
}

func (f *findings) use(name string) {
	if !slices.Contains(f.variables, name) {
		f.variables = append(f.variables, name)
	}
}

func shapeOf(variable string) *shape {
	for r := range shapes {
		if shapes[r].name == variable {
			return &shapes[r]
		}
	}
	return nil
}

// checkMember tells whether a member can have a value. It gives the full name
// of one that never has, and an error for one that nobody knows.
func checkMember(variable, field string) (missing string, err error) {
	if slices.Contains(emptyVariables, variable) {
		return variable + "." + field, nil
	}
	s := shapeOf(variable)
	switch {
	case s == nil, len(s.fields) == 0, slices.Contains(s.fields, field):
		return "", nil
	case slices.Contains(s.missing, field):
		return variable + "." + field, nil
	default:
		return "", fmt.Errorf("%s has no member %q; it has %s", variable, field, strings.Join(s.fields, ", "))
	}
}
