namespace Pipeline.Stages.Jinja;

/// <summary>An expression of a template.</summary>
internal abstract record Expression(int Line);

internal sealed record LiteralExpression(object? Value, int Line) : Expression(Line);

internal sealed record NameExpression(string Name, int Line) : Expression(Line);

internal sealed record ListExpression(IReadOnlyList<Expression> Items, int Line, bool IsTuple = false) : Expression(Line);

internal sealed record DictionaryExpression(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

internal sealed record AttributeExpression(Expression Target, string Name, int Line) : Expression(Line);

internal sealed record IndexExpression(Expression Target, Expression Index, int Line) : Expression(Line);

internal sealed record SliceExpression(Expression Target, Expression? Start, Expression? Stop, Expression? Step, int Line) : Expression(Line);

internal sealed record CallExpression(Expression Target, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record FilterExpression(Expression Target, string Name, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record TestExpression(Expression Target, string Name, CallArguments Arguments, bool Negated, int Line) : Expression(Line);

internal sealed record UnaryExpression(string Operator, Expression Operand, int Line) : Expression(Line);

internal sealed record BinaryExpression(string Operator, Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record ConditionalExpression(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line);

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static CallArguments None { get; } = new([], []);
}

/// <summary>A statement of a template.</summary>
internal abstract record Statement(int Line);

internal sealed record TextStatement(string Text, int Line) : Statement(Line);

internal sealed record OutputStatement(Expression Value, int Line) : Statement(Line);

internal sealed record IfStatement(IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> Branches, int Line) : Statement(Line);

internal sealed record ForStatement(
    IReadOnlyList<string> Targets, Expression Items, Expression? Filter, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

/// <summary><c>set name = …</c>, or <c>set name.attribute = …</c> for a namespace, or a block whose output becomes the value.</summary>
internal sealed record SetStatement(IReadOnlyList<string> Targets, string? Attribute, Expression? Value, IReadOnlyList<Statement>? Body, int Line) : Statement(Line);

/// <summary>The definition of a macro.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Its parameters, with their defaults.</param>
/// <param name="Body">What it renders.</param>
/// <param name="TakesMore">Whether the body uses <c>varargs</c>. Otherwise it is an error to give more values than there are parameters.</param>
/// <param name="TakesNames">Whether the body uses <c>kwargs</c>. Otherwise it is an error to give a name that no parameter has.</param>
/// <param name="Line">The line where it begins.</param>
internal sealed record MacroStatement(
    string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body, bool TakesMore, bool TakesNames, int Line) : Statement(Line);

/// <summary>A <c>generation</c> block, which is rendered as if it were not there.</summary>
internal sealed record BodyStatement(IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record LoopControlStatement(bool IsBreak, int Line) : Statement(Line);
