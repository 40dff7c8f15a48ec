using System.Globalization;

namespace Pipeline.Stages.Text.Problems;

/// <summary>A problem as it is told: the sentences of the question, and the steps that lead to the answer.</summary>
internal sealed class Story(Draw draw)
{
    private readonly List<string> _sentences = [];
    private readonly List<string> _steps = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public Draw Draw { get; } = draw;

    /// <summary>The result of the last step, which in the end is the answer.</summary>
    public int Value { get; private set; }

    public string Question => string.Join(' ', _sentences);

    /// <summary>The steps, each as what is computed, a bar, and the equation.</summary>
    public IReadOnlyList<string> Steps => _steps;

    /// <summary>Someone whom this story has not named yet.</summary>
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

    /// <summary>Adds one of several sentences that say the same.</summary>
    public void SayOne(params ReadOnlySpan<string> ways) => _sentences.Add(Sentence(Draw.Pick(ways)));

    public int Add(string what, int a, int b) => Step(what, a, '+', b, a + b);

    public int Subtract(string what, int a, int b) => Step(what, a, '-', b, a - b);

    public int Multiply(string what, int a, int b) => Step(what, a, '*', b, a * b);

    /// <summary>Divides without a remainder. Situations must choose their numbers so.</summary>
    /// <exception cref="InvalidOperationException">There is a remainder.</exception>
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
