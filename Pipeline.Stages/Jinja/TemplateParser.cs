namespace Pipeline.Stages.Jinja;

/// <summary>
/// Parses the part of Jinja that chat templates use. What is not implemented is refused by name and line already when the template is read, and not when
/// a conversation happens to reach it.
/// </summary>
internal sealed partial class TemplateParser
{
    /// <summary>How deep parentheses, signs and blocks may be nested. Without a limit, an untrusted template could overflow the stack.</summary>
    private const int DeepestNesting = 100;

    private readonly List<TemplateToken> _tokens;
    private int _at;
    private int _nesting;

    // The names that the current macro reads.
    private HashSet<string> _names = new(StringComparer.Ordinal);

    private TemplateParser(List<TemplateToken> tokens) => _tokens = tokens;

    private TemplateToken Current => _tokens[_at];

    /// <summary>Parses a template.</summary>
    /// <exception cref="ChatTemplateException">The template is not well-formed, or has something that is not implemented.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        List<Statement> statements = parser.Body([]);
        return parser.Current.Kind == TemplateTokenKind.End
            ? statements
            : throw parser.Unexpected("the end of the template");
    }

    /// <summary>Parses statements up to a block that begins with one of the words. The caller reads that block.</summary>
    private List<Statement> Body(string[] until) => Nested(() => Statements(until));

    private List<Statement> Statements(string[] until)
    {
        List<Statement> body = [];
        while (true)
        {
            TemplateToken token = Current;
            switch (token.Kind)
            {
                case TemplateTokenKind.Text:
                    _at++;
                    body.Add(new TextStatement(token.Value, token.Line));
                    break;
                case TemplateTokenKind.OutputStart:
                    _at++;
                    body.Add(new OutputStatement(TupleOrSingle(), token.Line));
                    Expect(TemplateTokenKind.OutputEnd, "}}");
                    break;
                case TemplateTokenKind.BlockStart when !until.Contains(_tokens[_at + 1].Value):
                    _at++;
                    body.Add(Block());
                    break;
                default:
                    return body;
            }
        }
    }

    private Statement Block()
    {
        TemplateToken word = Expect(TemplateTokenKind.Name, "a statement");
        switch (word.Value)
        {
            case "if": return If(word.Line);
            case "for": return For(word.Line);
            case "set": return Set(word.Line);
            case "macro": return Macro(word.Line);
            case "break" or "continue":
                EndBlock();
                return new LoopControlStatement(word.Value == "break", word.Line);
            case "generation":
                EndBlock();
                BodyStatement generation = new(Body(["endgeneration"]), word.Line);
                CloseBlock("endgeneration");
                return generation;
            default:
                throw ChatTemplateException.Missing($"line {word.Line}: the statement '{word.Value}' is not implemented");
        }
    }

    private IfStatement If(int line)
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        Expression? condition = Expression();
        while (true)
        {
            EndBlock();
            branches.Add((condition, Body(["elif", "else", "endif"])));
            OpenBlock();
            if (TakeName("elif"))
            {
                condition = Expression();
                continue;
            }
            if (TakeName("else"))
            {
                EndBlock();
                branches.Add((null, Body(["endif"])));
                OpenBlock();
            }
            ExpectName("endif");
            EndBlock();
            return new IfStatement(branches, line);
        }
    }

    private ForStatement For(int line)
    {
        List<string> targets = Names();
        ExpectName("in");
        Expression items = Disjunction();
        Expression? filter = TakeName("if") ? Expression() : null;
        if (IsName("recursive"))
            throw ChatTemplateException.Missing($"line {line}: 'for … recursive' is not implemented");
        EndBlock();
        List<Statement> body = Body(["else", "endfor"]), otherwise = [];
        OpenBlock();
        if (TakeName("else"))
        {
            EndBlock();
            otherwise = Body(["endfor"]);
            OpenBlock();
        }
        ExpectName("endfor");
        EndBlock();
        return new ForStatement(targets, items, filter, body, otherwise, line);
    }

    private SetStatement Set(int line)
    {
        List<string> targets = Names();
        string? attribute = targets.Count == 1 && Take(".") ? Expect(TemplateTokenKind.Name, "an attribute").Value : null;
        if (Take("="))
        {
            Expression value = TupleOrSingle();
            EndBlock();
            return new SetStatement(targets, attribute, value, null, line);
        }
        if (Is("|"))
            throw ChatTemplateException.Missing($"line {line}: a filter on a block 'set' is not implemented");
        EndBlock();
        List<Statement> body = Body(["endset"]);
        CloseBlock("endset");
        return new SetStatement(targets, attribute, null, body, line);
    }

    private MacroStatement Macro(int line)
    {
        string name = Expect(TemplateTokenKind.Name, "the macro's name").Value;
        ExpectOperator("(");
        List<(string, Expression?)> parameters = [];
        while (!Take(")"))
        {
            string parameter = Expect(TemplateTokenKind.Name, "a parameter").Value;
            parameters.Add((parameter, Take("=") ? Expression() : null));
            if (!Is(")"))
                ExpectOperator(",");
        }
        EndBlock();
        HashSet<string> outside = _names;
        _names = new HashSet<string>(StringComparer.Ordinal);
        List<Statement> body = Body(["endmacro"]);
        CloseBlock("endmacro");
        MacroStatement macro = new(name, parameters, body, _names.Contains("varargs"), _names.Contains("kwargs"), line);
        outside.UnionWith(_names);
        _names = outside;
        return macro;
    }

    private void OpenBlock() => Expect(TemplateTokenKind.BlockStart, "{%");

    private void EndBlock() => Expect(TemplateTokenKind.BlockEnd, "%}");

    private void CloseBlock(string word)
    {
        OpenBlock();
        ExpectName(word);
        EndBlock();
    }

    private T Nested<T>(Func<T> inner)
    {
        if (++_nesting > DeepestNesting)
            throw new ChatTemplateException($"line {Current.Line}: nested deeper than {DeepestNesting}");
        T result = inner();
        _nesting--;
        return result;
    }

    private bool IsTagEnd() => Current.Kind is TemplateTokenKind.BlockEnd or TemplateTokenKind.OutputEnd;

    private bool Is(string op) => Current.Kind == TemplateTokenKind.Operator && Current.Value == op;

    private bool IsName(string name) => Current.Kind == TemplateTokenKind.Name && Current.Value == name;

    private bool Take(string op) => TakeIf(Is(op));

    private bool TakeName(string name) => TakeIf(IsName(name));

    private bool TakeIf(bool condition)
    {
        if (condition)
            _at++;
        return condition;
    }

    private TemplateToken Next() => _tokens[_at].Kind == TemplateTokenKind.End ? throw Unexpected("more") : _tokens[_at++];

    private TemplateToken Expect(TemplateTokenKind kind, string what) => Current.Kind == kind ? _tokens[_at++] : throw Unexpected(what);

    private void ExpectName(string name)
    {
        if (!TakeName(name))
            throw Unexpected(name);
    }

    private void ExpectOperator(string op)
    {
        if (!Take(op))
            throw Unexpected($"'{op}'");
    }

    private ChatTemplateException Unexpected(string expected) => new($"line {Current.Line}: expected {expected}, found '{Current.Value}'");
}
