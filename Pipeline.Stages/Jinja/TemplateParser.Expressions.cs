using System.Globalization;

namespace Pipeline.Stages.Jinja;

/// <content>Expressions, from the loosest binding to the tightest: if, or, and, not, comparison, sum, ~, product, filters and tests, postfix.</content>
internal sealed partial class TemplateParser
{
    private Expression TupleOrSingle()
    {
        Expression first = Expression();
        if (!Is(","))
            return first;
        List<Expression> items = [first];
        while (Take(",") && !IsTagEnd())
            items.Add(Expression());
        return new ListExpression(items, first.Line, IsTuple: true);
    }

    private Expression Expression() => Nested(Conditional);

    private Expression Conditional()
    {
        Expression value = Disjunction();
        while (IsName("if"))
        {
            int line = Next().Line;
            Expression condition = Disjunction();
            Expression? otherwise = TakeName("else") ? Expression() : null;
            value = new ConditionalExpression(condition, value, otherwise, line);
        }
        return value;
    }

    private Expression Disjunction()
    {
        Expression left = Conjunction();
        while (IsName("or"))
            left = new BinaryExpression("or", left, AfterOperator(Conjunction, out int line), line);
        return left;
    }

    private Expression Conjunction()
    {
        Expression left = Negation();
        while (IsName("and"))
            left = new BinaryExpression("and", left, AfterOperator(Negation, out int line), line);
        return left;
    }

    private Expression Negation()
        => IsName("not") ? new UnaryExpression("not", AfterOperator(Negation, out int line), line) : Comparison();

    private Expression Comparison()
    {
        Expression left = Sum();
        Expression? chain = null;
        while (true)
        {
            string op;
            if (Current is { Kind: TemplateTokenKind.Operator, Value: "==" or "!=" or "<" or ">" or "<=" or ">=" })
                op = Current.Value;
            else if (IsName("in"))
                op = "in";
            else if (IsName("not") && _tokens[_at + 1] is { Kind: TemplateTokenKind.Name, Value: "in" })
                op = "not in";
            else
                return chain ?? left;
            int line = Next().Line;
            if (op == "not in")
                _at++;
            Expression right = Sum();
            Expression compared = new BinaryExpression(op, left, right, line);
            chain = chain is null ? compared : new BinaryExpression("and", chain, compared, line);
            left = right;
        }
    }

    private Expression Sum()
    {
        Expression left = Concatenation();
        while (Is("+") || Is("-"))
        {
            string op = Current.Value;
            left = new BinaryExpression(op, left, AfterOperator(Concatenation, out int line), line);
        }
        return left;
    }

    private Expression Concatenation()
    {
        Expression left = Product();
        while (Is("~"))
            left = new BinaryExpression("~", left, AfterOperator(Product, out int line), line);
        return left;
    }

    private Expression Product()
    {
        Expression left = Unary(withFilter: true);
        while (Is("*") || Is("/") || Is("//") || Is("%") || Is("**"))
        {
            string op = Current.Value;
            if (op == "**")
                throw ChatTemplateException.Missing($"line {Current.Line}: the operator '**' is not implemented");
            left = new BinaryExpression(op, left, AfterOperator(() => Unary(withFilter: true), out int line), line);
        }
        return left;
    }

    private Expression Unary(bool withFilter)
    {
        Expression value = Is("-") || Is("+")
            ? new UnaryExpression(Current.Value, AfterOperator(() => Unary(withFilter: false), out int line), line)
            : Primary();
        value = Postfix(value);
        return withFilter ? FiltersAndTests(value) : value;
    }

    private Expression Primary()
    {
        TemplateToken token = Next();
        switch (token.Kind)
        {
            case TemplateTokenKind.Name:
                return token.Value switch
                {
                    "true" or "True" => new LiteralExpression(true, token.Line),
                    "false" or "False" => new LiteralExpression(false, token.Line),
                    "none" or "None" => new LiteralExpression(null, token.Line),
                    _ => Name(token),
                };
            case TemplateTokenKind.String:
                string text = token.Value;
                while (Current.Kind == TemplateTokenKind.String)
                    text += Next().Value;
                return new LiteralExpression(TracedText.Literal(text), token.Line);
            case TemplateTokenKind.Number:
                return token.Value.Contains('.')
                    ? new LiteralExpression(double.Parse(token.Value, CultureInfo.InvariantCulture), token.Line)
                    : new LiteralExpression(WholeNumber(token), token.Line);
            case TemplateTokenKind.Operator when token.Value == "(":
                if (Take(")"))
                    return new ListExpression([], token.Line, IsTuple: true);
                Expression inner = TupleInParentheses();
                ExpectOperator(")");
                return inner;
            case TemplateTokenKind.Operator when token.Value == "[":
                return new ListExpression(Items("]"), token.Line);
            case TemplateTokenKind.Operator when token.Value == "{":
                List<(Expression, Expression)> entries = [];
                while (!Take("}"))
                {
                    Expression key = Expression();
                    ExpectOperator(":");
                    entries.Add((key, Expression()));
                    if (!Is("}"))
                        ExpectOperator(",");
                }
                return new DictionaryExpression(entries, token.Line);
            default:
                _at--;
                throw Unexpected("a value");
        }
    }

    private Expression TupleInParentheses()
    {
        Expression first = Expression();
        if (!Is(","))
            return first;
        List<Expression> items = [first];
        while (Take(",") && !Is(")"))
            items.Add(Expression());
        return new ListExpression(items, first.Line, IsTuple: true);
    }

    private List<Expression> Items(string closing)
    {
        List<Expression> items = [];
        while (!Take(closing))
        {
            items.Add(Expression());
            if (!Is(closing))
                ExpectOperator(",");
        }
        return items;
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            int line = Current.Line;
            if (Take("."))
            {
                TemplateToken name = Next();
                value = name.Kind switch
                {
                    TemplateTokenKind.Name => new AttributeExpression(value, name.Value, line),
                    TemplateTokenKind.Number => new IndexExpression(value, new LiteralExpression(WholeNumber(name), line), line),
                    _ => throw new ChatTemplateException($"line {line}: expected an attribute, found '{name.Value}'"),
                };
            }
            else if (Take("["))
                value = Subscript(value, line);
            else if (Take("("))
                value = new CallExpression(value, Arguments(), line);
            else
                return value;
        }
    }

    private Expression Subscript(Expression target, int line)
    {
        Expression? start = Is(":") ? null : Expression();
        if (Take("]"))
            return new IndexExpression(target, start!, line);
        ExpectOperator(":");
        Expression? stop = Is("]") || Is(":") ? null : Expression();
        Expression? step = Take(":") && !Is("]") ? Expression() : null;
        ExpectOperator("]");
        return new SliceExpression(target, start, stop, step, line);
    }

    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            int line = Current.Line;
            if (Take("|"))
            {
                string name = Expect(TemplateTokenKind.Name, "a filter").Value;
                if (!TemplateFilters.IsKnown(name))
                    throw ChatTemplateException.Missing($"line {line}: the filter '{name}' is not implemented");
                value = new FilterExpression(value, name, Take("(") ? Arguments() : CallArguments.None, line);
            }
            else if (TakeName("is"))
                value = Test(value, line);
            else if (Take("("))
                value = new CallExpression(value, Arguments(), line);
            else
                return value;
        }
    }

    private TestExpression Test(Expression value, int line)
    {
        bool negated = TakeName("not");
        string name = Expect(TemplateTokenKind.Name, "a test").Value;
        if (!TemplateTests.IsKnown(name))
            throw ChatTemplateException.Missing($"line {line}: the test '{name}' is not implemented");
        CallArguments arguments = CallArguments.None;
        if (Take("("))
            arguments = Arguments();
        else if (Current.Kind is TemplateTokenKind.String or TemplateTokenKind.Number || Is("[") || Is("{")
            || (Current.Kind == TemplateTokenKind.Name && Current.Value is not ("else" or "or" or "and" or "is" or "if" or "in" or "not")))
            arguments = new CallArguments([Postfix(Primary())], []);
        return new TestExpression(value, name, arguments, negated, line);
    }

    private CallArguments Arguments()
    {
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        while (!Take(")"))
        {
            if (Is("*") || Is("**"))
                throw ChatTemplateException.Missing($"line {Current.Line}: '{Current.Value}' before an argument is not implemented");
            if (Current.Kind == TemplateTokenKind.Name && _tokens[_at + 1] is { Kind: TemplateTokenKind.Operator, Value: "=" })
            {
                string name = Next().Value;
                _at++;
                named.Add((name, Expression()));
            }
            else
            {
                positional.Add(Expression());
            }
            if (!Is(")"))
                ExpectOperator(",");
        }
        return new CallArguments(positional, named);
    }

    private Expression AfterOperator(Func<Expression> operand, out int line)
    {
        line = Next().Line;
        return Nested(operand);
    }

    private static long WholeNumber(TemplateToken token)
        => long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new ChatTemplateException($"line {token.Line}: the number {token.Value} does not fit into 64 bits");

    private List<string> Names()
    {
        bool inParentheses = Take("(");
        List<string> names = [Expect(TemplateTokenKind.Name, "a name").Value];
        while (Take(","))
            names.Add(Expect(TemplateTokenKind.Name, "a name").Value);
        if (inParentheses)
            ExpectOperator(")");
        return names;
    }

    private NameExpression Name(TemplateToken token)
    {
        _names.Add(token.Value);
        return new NameExpression(token.Value, token.Line);
    }
}
