namespace Pipeline.Stages.Jinja;

/// <summary>Renders parsed statements. Each rendering has its own interpreter, with the output and the scopes.</summary>
internal sealed class TemplateInterpreter
{
    private const int DeepestCall = 100;
    private const int DeepestEvaluation = 1_000;
    private const long LeastBudget = 10_000_000;
    private const int BudgetPerCharacter = 200;

    // Each turn of a loop makes a scope and the eleven values of "loop".
    private const int TurnCost = 32;

    private readonly TemplateScope _globals = new(null);
    private TracedText.Builder _output = new();
    private int _callDepth;
    private int _evaluationDepth;
    private long _budget;

    /// <summary>Renders a template.</summary>
    /// <param name="template">The parsed template.</param>
    /// <param name="variables">The global variables, by name.</param>
    /// <param name="characters">
    /// The length of the conversation. The number of steps that a template may take grows with it and with nothing else, because an untrusted template
    /// could nest loops in loops, or double a text again and again.
    /// </param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, has something that is not implemented, or fails.</exception>
    public static TracedText Render(IReadOnlyList<Statement> template, IReadOnlyDictionary<string, object?> variables, long characters)
    {
        TemplateInterpreter interpreter = new() { _budget = LeastBudget + (BudgetPerCharacter * characters) };
        foreach ((string name, object? value) in variables.Concat(TemplateGlobals.All))
            interpreter._globals.Set(name, value);
        interpreter.Run(template, interpreter._globals);
        return interpreter._output.ToText();
    }

    /// <summary>How a body ended.</summary>
    private enum Flow
    {
        Normal,
        Break,
        Continue,
    }

    private Flow Run(IReadOnlyList<Statement> body, TemplateScope scope)
    {
        foreach (Statement statement in body)
        {
            Flow flow = Run(statement, scope);
            if (flow != Flow.Normal)
                return flow;
        }
        return Flow.Normal;
    }

    /// <summary>
    /// Takes units from the budget: one for each statement and expression, <see cref="TurnCost"/> for each turn of a loop, and one for each character or
    /// element that is read or made.
    /// </summary>
    private void Charge(long units, int line)
    {
        if ((_budget -= units) < 0)
            throw new ChatTemplateException($"line {line}: the template takes more steps than a conversation needs; does it loop forever?");
    }

    private static long Size(object? value) => value switch { TracedText text => text.Length, List<object?> list => list.Count, _ => 0 };

    private Flow Run(Statement statement, TemplateScope scope)
    {
        Charge(1, statement.Line);
        switch (statement)
        {
            case TextStatement text:
                _output.Append(text.Text);
                return Flow.Normal;
            case OutputStatement output:
                _output.Append(TemplateValues.ToText(Evaluate(output.Value, scope), output.Line));
                return Flow.Normal;
            case IfStatement choice:
                foreach ((Expression? condition, IReadOnlyList<Statement> branch) in choice.Branches)
                {
                    if (condition is null || TemplateValues.IsTrue(Evaluate(condition, scope)))
                        return Run(branch, scope);
                }
                return Flow.Normal;
            case ForStatement loop:
                RunLoop(loop, scope);
                return Flow.Normal;
            case SetStatement set:
                Assign(set, scope);
                return Flow.Normal;
            case MacroStatement macro:
                scope.Set(macro.Name, Macro(macro, scope));
                return Flow.Normal;
            case BodyStatement inner:
                return Run(inner.Body, scope);
            case LoopControlStatement control:
                return control.IsBreak ? Flow.Break : Flow.Continue;
            default:
                throw new ChatTemplateException($"line {statement.Line}: unknown statement");
        }
    }

    private void RunLoop(ForStatement loop, TemplateScope scope)
    {
        List<object?> items = TemplateValues.Items(Evaluate(loop.Items, scope), loop.Line);
        if (loop.Filter is not null)
        {
            items = items.FindAll(item =>
            {
                TemplateScope inner = new(scope);
                Bind(loop.Targets, item, inner, loop.Line);
                return TemplateValues.IsTrue(Evaluate(loop.Filter, inner));
            });
        }
        if (items.Count == 0)
            Run(loop.Else, new TemplateScope(scope));
        for (int i = 0; i < items.Count; i++)
        {
            Charge(TurnCost, loop.Line);
            TemplateScope inner = new(scope);
            Bind(loop.Targets, items[i], inner, loop.Line);
            inner.Set("loop", LoopVariable(items, i));
            if (Run(loop.Body, inner) == Flow.Break)
                return;
        }
    }

    private static TemplateDictionary LoopVariable(List<object?> items, int i) => new()
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)(items.Count - i),
        ["revindex0"] = (long)(items.Count - i - 1),
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["length"] = (long)items.Count,
        ["depth"] = 1L,
        ["depth0"] = 0L,
        ["previtem"] = i > 0 ? items[i - 1] : new Undefined("previtem"),
        ["nextitem"] = i + 1 < items.Count ? items[i + 1] : new Undefined("nextitem"),
    };

    private void Assign(SetStatement set, TemplateScope scope)
    {
        object? value = set.Body is null ? Evaluate(set.Value!, scope) : Capture(set.Body, scope);
        if (set.Attribute is null)
            Bind(set.Targets, value, scope, set.Line);
        else if (scope.Get(set.Targets[0]) is TemplateNamespace space)
            space.Values[set.Attribute] = value;
        else
            throw new ChatTemplateException($"line {set.Line}: '{set.Targets[0]}' is not a namespace; only attributes of a namespace can be set");
    }

    private static void Bind(IReadOnlyList<string> targets, object? value, TemplateScope scope, int line)
    {
        if (targets.Count == 1)
        {
            scope.Set(targets[0], value);
            return;
        }
        List<object?> items = TemplateValues.Items(value, line);
        if (items.Count != targets.Count)
            throw new ChatTemplateException($"line {line}: {targets.Count} names for {items.Count} values");
        for (int i = 0; i < targets.Count; i++)
            scope.Set(targets[i], items[i]);
    }

    private TemplateFunction Macro(MacroStatement macro, TemplateScope defined) => (positional, named) =>
    {
        TemplateScope scope = new(defined);
        List<(string Name, object? Value)> rest = [.. named];
        for (int i = 0; i < macro.Parameters.Count; i++)
        {
            (string name, Expression? fallback) = macro.Parameters[i];
            int given = i < positional.Count ? -1 : rest.FindIndex(a => a.Name == name);
            scope.Set(name, i < positional.Count ? positional[i]
                : given >= 0 ? rest[given].Value
                : fallback is not null ? Evaluate(fallback, scope)
                : new Undefined(name));
            if (given >= 0)
                rest.RemoveAt(given);
        }
        if (!macro.TakesNames && rest is [var surplus, ..])
            throw new ChatTemplateException($"line {macro.Line}: the macro '{macro.Name}' takes no argument '{surplus.Name}'");
        if (!macro.TakesMore && positional.Count > macro.Parameters.Count)
            throw new ChatTemplateException($"line {macro.Line}: the macro '{macro.Name}' takes {macro.Parameters.Count} values, not {positional.Count}");
        if (macro.TakesNames)
        {
            TemplateDictionary names = new();
            foreach ((string name, object? value) in rest)
                names[name] = value;
            scope.Set("kwargs", names);
        }
        if (macro.TakesMore)
            scope.Set("varargs", new TemplateTuple(positional.Skip(macro.Parameters.Count)));
        if (++_callDepth > DeepestCall)
            throw new ChatTemplateException($"line {macro.Line}: the macro '{macro.Name}' calls itself more than {DeepestCall} deep");
        TracedText text = Capture(macro.Body, scope);
        _callDepth--;
        return text;
    };

    private TracedText Capture(IReadOnlyList<Statement> body, TemplateScope scope)
    {
        TracedText.Builder outer = _output;
        _output = new TracedText.Builder();
        Run(body, scope);
        TracedText captured = _output.ToText();
        _output = outer;
        return captured;
    }

    private object? Evaluate(Expression expression, TemplateScope scope)
    {
        Charge(1, expression.Line);
        if (++_evaluationDepth > DeepestEvaluation)
            throw new ChatTemplateException($"line {expression.Line}: an expression nested deeper than {DeepestEvaluation}");
        object? value = ValueOf(expression, scope);
        _evaluationDepth--;
        if (expression is SliceExpression or CallExpression or FilterExpression or BinaryExpression or ListExpression)
            Charge(Size(value), expression.Line);
        return value;
    }

    private object? ValueOf(Expression expression, TemplateScope scope)
    {
        int line = expression.Line;
        switch (expression)
        {
            case LiteralExpression literal: return literal.Value;
            case NameExpression name: return scope.Get(name.Name);
            case ListExpression list:
                IEnumerable<object?> items = list.Items.Select(i => Evaluate(i, scope));
                return list.IsTuple ? new TemplateTuple(items) : items.ToList();
            case DictionaryExpression dictionary:
                TemplateDictionary made = new();
                foreach ((Expression key, Expression value) in dictionary.Items)
                {
                    object? name = Evaluate(key, scope);
                    if (!made.Set(name, Evaluate(value, scope)))
                        throw new ChatTemplateException($"line {line}: {TemplateValues.Kind(name)} cannot be a key");
                }
                return made;
            case AttributeExpression attribute:
                object? owner = Evaluate(attribute.Target, scope);
                return owner is Undefined missing
                    ? throw new ChatTemplateException($"line {line}: '{missing.Name}' is undefined; it has no '{attribute.Name}'")
                    : TemplateMethods.Attribute(owner, attribute.Name);
            case IndexExpression index: return TemplateMethods.Index(Evaluate(index.Target, scope), Evaluate(index.Index, scope), line);
            case SliceExpression slice:
                return TemplateMethods.Slice(Evaluate(slice.Target, scope), Whole(slice.Start, scope), Whole(slice.Stop, scope), Whole(slice.Step, scope), line);
            case CallExpression call: return Call(call, scope);
            case FilterExpression filter:
                object? filtered = Evaluate(filter.Target, scope);
                Charge(Size(filtered), line);
                return TemplateFilters.Apply(filter.Name, filtered, Positional(filter.Arguments, scope), Named(filter.Arguments, scope), line);
            case TestExpression test:
                return TemplateTests.Apply(test.Name, Evaluate(test.Target, scope), Positional(test.Arguments, scope), line) != test.Negated;
            case UnaryExpression unary: return Unary(unary, scope);
            case BinaryExpression binary: return Binary(binary, scope);
            case ConditionalExpression choice:
                return TemplateValues.IsTrue(Evaluate(choice.Condition, scope)) ? Evaluate(choice.Then, scope)
                    : choice.Else is null ? new Undefined("else") : Evaluate(choice.Else, scope);
            default: throw new ChatTemplateException($"line {line}: unknown expression");
        }
    }

    private object? Call(CallExpression call, TemplateScope scope)
    {
        List<object?> positional = Positional(call.Arguments, scope);
        if (call.Target is AttributeExpression method && Evaluate(method.Target, scope) is var owner and not TemplateNamespace)
        {
            Charge(Size(owner), call.Line);
            return TemplateMethods.Call(owner, method.Name, positional, call.Line);
        }
        return Evaluate(call.Target, scope) switch
        {
            TemplateFunction function => function(positional, Named(call.Arguments, scope)),
            Undefined { Name: TemplateDate.Function } => throw ChatTemplateException.Missing($"line {call.Line}: the template writes today's date; give the tokenize stage a templateDate"),
            Undefined undefined => throw ChatTemplateException.Missing($"line {call.Line}: the function '{undefined.Name}' is not implemented"),
            var other => throw new ChatTemplateException($"line {call.Line}: {TemplateValues.Kind(other)} cannot be called"),
        };
    }

    private object? Unary(UnaryExpression unary, TemplateScope scope)
    {
        object? value = Evaluate(unary.Operand, scope);
        return (unary.Operator, value) switch
        {
            ("not", _) => !TemplateValues.IsTrue(value),
            ("-", long n) => -n,
            ("-", double d) => -d,
            ("+", long or double) => value,
            _ => throw new ChatTemplateException($"line {unary.Line}: '{unary.Operator}' does not work on {TemplateValues.Kind(value)}"),
        };
    }

    private object? Binary(BinaryExpression binary, TemplateScope scope)
    {
        object? left = Evaluate(binary.Left, scope);
        if (binary.Operator is "and" or "or")
            return TemplateValues.IsTrue(left) == (binary.Operator == "and") ? Evaluate(binary.Right, scope) : left;
        object? right = Evaluate(binary.Right, scope);
        Charge(Size(left) + Size(right), binary.Line);
        return binary.Operator switch
        {
            "==" => TemplateValues.AreEqual(left, right),
            "!=" => !TemplateValues.AreEqual(left, right),
            "<" => TemplateValues.Compare(left, right, binary.Line) < 0,
            ">" => TemplateValues.Compare(left, right, binary.Line) > 0,
            "<=" => TemplateValues.Compare(left, right, binary.Line) <= 0,
            ">=" => TemplateValues.Compare(left, right, binary.Line) >= 0,
            "in" => TemplateValues.Contains(right, left, binary.Line),
            "not in" => !TemplateValues.Contains(right, left, binary.Line),
            "~" => Concatenate(TemplateValues.ToText(left, binary.Line), TemplateValues.ToText(right, binary.Line)),
            _ => Arithmetic(binary.Operator, left, right, binary.Line),
        };
    }

    public static object? Arithmetic(string op, object? left, object? right, int line) => (op, left, right) switch
    {
        ("+", TracedText a, TracedText b) => Concatenate(a, b),
        (_, bool a, _) => Arithmetic(op, a ? 1L : 0L, right, line),
        (_, _, bool b) => Arithmetic(op, left, b ? 1L : 0L, line),
        ("+", List<object?> a, List<object?> b) when a.Count + b.Count > TemplateValues.LongestList => throw new ChatTemplateException($"line {line}: a list of more than {TemplateValues.LongestList} elements"),
        ("+", TemplateTuple a, TemplateTuple b) => new TemplateTuple([.. a, .. b]),
        ("+", List<object?> a, List<object?> b) => new List<object?>([.. a, .. b]),
        ("+", long a, long b) => a + b,
        ("-", long a, long b) => a - b,
        ("*", long a, long b) => a * b,
        ("//", long a, long b) when b != 0 => (long)Math.Floor((double)a / b),
        ("%", long, -1L) => 0L,
        ("%", long a, long b) when b != 0 => ((a % b) + b) % b,
        ("*", TracedText a, long b) => Repeat(a, b),
        _ when TemplateValues.Number(left) is { } a && TemplateValues.Number(right) is { } b && (op is "+" or "-" or "*" || b != 0) => op switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => Math.Floor(a / b),
            _ => a - (b * Math.Floor(a / b)),
        },
        _ => throw new ChatTemplateException($"line {line}: '{op}' does not work on {TemplateValues.Kind(left)} and {TemplateValues.Kind(right)}"),
    };

    private static TracedText Concatenate(TracedText left, TracedText right)
    {
        TracedText.Builder joined = new();
        joined.Append(left);
        joined.Append(right);
        return joined.ToText();
    }

    private static TracedText Repeat(TracedText text, long times)
    {
        TracedText.Builder repeated = new();
        for (long i = 0; i < Math.Min(times, TemplateGlobals.LongestRange); i++)
            repeated.Append(text);
        return repeated.ToText();
    }

    private long? Whole(Expression? expression, TemplateScope scope)
        => expression is null || Evaluate(expression, scope) is not { } value ? null : TemplateValues.Integer(value, expression.Line);

    private List<object?> Positional(CallArguments arguments, TemplateScope scope) => [.. arguments.Positional.Select(a => Evaluate(a, scope))];

    private List<(string Name, object? Value)> Named(CallArguments arguments, TemplateScope scope)
        => [.. arguments.Named.Select(a => (a.Name, Evaluate(a.Value, scope)))];
}
