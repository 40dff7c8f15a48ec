using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;
using Pipeline.Stages.Text.Problems;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Text.Problems;

public sealed partial class GenerateProblemsTests(ITestOutputHelper output) : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Every_worked_step_is_right_and_uses_what_is_known()
    {
        foreach (TextDocument document in await MadeAsync(20_000, ProblemSplit.Train))
        {
            string text = document.Text;
            MatchCollection steps = Equation().Matches(text);
            Assert.InRange(steps.Count, 1, 5);
            string question = text[..text.IndexOf('\n', StringComparison.Ordinal)];
            var known = new HashSet<long>(Number().Matches(question).Select(m => long.Parse(m.Value, CultureInfo.InvariantCulture)));
            known.UnionWith([2, 3]);
            long last = 0;
            foreach (Match step in steps)
            {
                long a = Operand(step, 1), b = Operand(step, 3), claimed = Operand(step, 4);
                long result = step.Groups[2].Value switch
                {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    _ => Math.DivRem(a, b) is { Remainder: 0 } exact ? exact.Quotient : throw new InvalidOperationException(text),
                };
                Assert.True(result == claimed, text);
                Assert.True(known.Contains(a) && known.Contains(b), $"{a} or {b} comes from nowhere:\n{text}");
                Assert.True(result >= 0, text);
                known.Add(result);
                last = result;
            }
            Assert.EndsWith(string.Create(CultureInfo.InvariantCulture, $"\nAnswer: {last}"), text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task No_question_of_one_split_is_in_the_other_whatever_the_seeds()
    {
        var train = new HashSet<string>((await MadeAsync(6000, ProblemSplit.Train, seed: 1)).Select(Question));
        foreach (int seed in (int[])[1, 2, 3])
            Assert.DoesNotContain(await MadeAsync(2000, ProblemSplit.Test, seed), d => train.Contains(Question(d)));
    }

    [Fact]
    public async Task The_same_seed_makes_the_same_texts_whole_or_in_parts()
    {
        GenerateProblemsOptions options = new() { Documents = 500, First = 100 };
        List<TextDocument> whole = await StageHarness.ReadAsync(Made.GenerateProblems(options, _run.Context()));
        var parts = new List<TextDocument>();
        for (int index = 0; index < 3; index++)
            parts.AddRange(await StageHarness.ReadAsync(Made.GenerateProblems(options, _run.Context(new Partition(index, 3)))));
        Assert.Equal(whole, parts);
        Assert.Equal(whole.Take(50), await StageHarness.ReadAsync(Made.GenerateProblems(new() { Documents = 50, First = 100 }, _run.Context())));
        Assert.NotEqual(whole[0].Text, (await StageHarness.ReadAsync(Made.GenerateProblems(options, _run.Context(seed: 18))))[0].Text);
    }

    [Fact]
    public async Task The_texts_are_varied_and_short()
    {
        List<TextDocument> documents = await MadeAsync(4000, ProblemSplit.Train);
        int[] lengths = [.. documents.Select(d => Encoding.UTF8.GetByteCount(d.Text)).Order()];
        int words = documents.SelectMany(d => Word().Matches(d.Text)).Select(m => m.Value.ToUpperInvariant()).Distinct().Count();
        int shapes = documents.Select(d => Number().Replace(Question(d), "0")).Distinct().Count();
        output.WriteLine($"bytes {lengths[0]} to {lengths[^1]}, median {lengths[2000]}, sum {lengths.Sum()}; {words} words; {shapes} shapes");
        foreach (TextDocument document in documents.Take(12))
            output.WriteLine(document.Text + "\n");
        Assert.InRange(lengths[40], 100, 500);
        Assert.InRange(lengths[^1], 100, 800);
        Assert.True(words > 500, $"{words} words");
        Assert.True(documents.Select(Question).Distinct().Count() > 3950);
    }

    [Fact]
    public void There_are_more_than_forty_situations()
        => Assert.InRange(HoldingSituations.Beginnings.Length + MoneySituations.All.Length + WorldSituations.All.Length, 40, 400);

    private Task<List<TextDocument>> MadeAsync(int documents, ProblemSplit split, int seed = 17)
        => StageHarness.ReadAsync(Made.GenerateProblems(new() { Documents = documents, Split = split }, _run.Context(seed: seed)));

    private static string Question(TextDocument document)
    {
        string line = document.Text[..document.Text.IndexOf('\n', StringComparison.Ordinal)];
        return line.StartsWith("Question: ", StringComparison.Ordinal) ? line[10..] : line.StartsWith("Problem: ", StringComparison.Ordinal) ? line[9..] : line;
    }

    private static long Operand(Match step, int group) => long.Parse(step.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) ([-+*/]) (\d+) = (\d+)\.")]
    private static partial Regex Equation();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    [GeneratedRegex("[A-Za-z']+")]
    private static partial Regex Word();
}
