using System.Globalization;

namespace Pipeline.Stages.Text.Problems;

/// <summary>A problem while it is told: sentences of the question, and the steps that lead to the answer.</summary>
internal sealed class Story(Draw draw)
{
    private readonly List<string> _sentences = [];
    private readonly List<string> _steps = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public Draw Draw { get; } = draw;

    public int Value { get; private set; }

    public string Question => string.Join(' ', _sentences);

    public IReadOnlyList<string> Steps => _steps;

    /// <summary>Someone this story has not named yet.</summary>
    public Person Person()
    {
        while (true)
        {
            bool isShe = Draw.OneIn(2);
            string name = Draw.Pick<string>(isShe ? Words.Women : Words.Men);
            if (_names.Add(name))
                return new Person(name, isShe);
        }
    }

    public int Number(int least, int most) => Draw.Number(least, most);

    public string Pick(params ReadOnlySpan<string> from) => Draw.Pick(from);

    public void Say(string sentence) => _sentences.Add(Sentence(sentence));

    /// <summary>One of several ways to say it.</summary>
    public void SayOne(params ReadOnlySpan<string> ways) => _sentences.Add(Sentence(Draw.Pick(ways)));

    public int Add(string what, int a, int b) => Step(what, a, '+', b, a + b);

    public int Subtract(string what, int a, int b) => Step(what, a, '-', b, a - b);

    public int Multiply(string what, int a, int b) => Step(what, a, '*', b, a * b);

    /// <summary>The quotient; situations choose their numbers so that nothing is left over.</summary>
    public int Divide(string what, int a, int b) => a % b == 0
        ? Step(what, a, '/', b, a / b)
        : throw new InvalidOperationException($"{a} / {b} leaves a rest: {Question}");

    private int Step(string what, int a, char sign, int b, int result)
    {
        if (result < 0)
            throw new InvalidOperationException($"{a} {sign} {b} is negative: {Question}");
        string equation = string.Create(CultureInfo.InvariantCulture, $"{a} {sign} {b} = {result}");
        _steps.Add($"{what}|{equation}");
        Value = result;
        return result;
    }

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
