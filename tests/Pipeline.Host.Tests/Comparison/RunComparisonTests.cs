using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;

namespace Pipeline.Host.Tests.Comparison;

public sealed class RunComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Mean_and_spread_are_of_the_sample_and_the_gap_is_closed_within_each_run()
    {
        ComparedModel student = Compare(
            Run("a", 1, ("maths", ReportFile.Judgement(90, ("student-initial", 4, 0.1), ("teacher", 1, 1), ("sft", 2.0, 0.5)))),
            Run("b", 2, ("maths", ReportFile.Judgement(90, ("student-initial", 4, 0.1), ("teacher", 1, 1), ("sft", 2.3, 0.6)))),
            Run("c", 3, ("maths", ReportFile.Judgement(90, ("student-initial", 5, 0.1), ("teacher", 1, 1), ("sft", 2.6, null))))).Part("maths")!["sft"]!;

        Assert.Equal(3, student.BitsPerByte.N);
        Assert.Equal(2.3, student.BitsPerByte.Mean, 12);
        Assert.Equal(0.3, student.BitsPerByte.StandardDeviation!.Value, 12);
        // 2/3, 17/30 and 3/5; of the means it would be 0.61.
        Assert.Equal([2 / 3.0, 17 / 30.0, 0.6], student.GapClosed!.Values.Select(v => Math.Round(v!.Value, 12)), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(0.611111, student.GapClosed.Mean, 6);
        Assert.Equal(0.050918, student.GapClosed.StandardDeviation!.Value, 6);
        Assert.Equal([0.5, 0.6, null], student.Agreement!.Values);
        Assert.Equal(2, student.Agreement.N);
        Assert.Equal(0.55, student.Agreement.Mean, 12);
        Assert.Equal(0.070711, student.Agreement.StandardDeviation!.Value, 6);
    }

    [Fact]
    public void Figures_by_exact_next_bytes_are_compared_too()
    {
        string maths = ReportFile.WithExact(ReportFile.Judgement(90, ("teacher", 1, null), ("sft", 2, null)), "sft", 0.25, 0.5);
        string plays = ReportFile.WithExact(ReportFile.Judgement(90, ("teacher", 1, null), ("sft", 2, null)), "sft", 0.75, 2);

        RunComparison comparison = RunComparison.Of([Run("a", 1, ("maths", maths), ("plays", plays))], [new PartMean("all", ["maths", "plays"])]);

        Assert.Equal([0.25], comparison.Part("maths")!["sft"]!.ByteAgreement!.Values);
        Assert.Equal([0.5], comparison.Part("all")!["sft"]!.ByteAgreement!.Values);
        Assert.Equal([1.25], comparison.Part("all")!["sft"]!.Divergence!.Values);
        Assert.Null(comparison.Part("all")!["teacher"]!.Divergence);
        Assert.Contains("| sft | 1 | 2.0000 | 25.0 % | 0.5000 |", ComparisonTable.Markdown(comparison), StringComparison.Ordinal);
    }

    [Fact]
    public void Models_of_another_run_on_the_same_texts_join_a_run()
    {
        FinishedRun first = Run("a", 1, ("maths", ReportFile.Judgement(90, ("teacher", 1, null), ("sft", 2, null))));
        FinishedRun more = Run("b", 1, ("maths", ReportFile.Judgement(90, ("teacher", 7, null), ("alm", 3, null))), ("plays", ReportFile.Judgement(70, ("alm", 4, null))));

        FinishedRun joined = first.With(more);

        Assert.Equal(["maths", "plays"], joined.Parts);
        Assert.Equal([("teacher", 1.0), ("sft", 2.0), ("alm", 3.0)], joined["maths"]!.Models.Select(m => (m.Name, m.BitsPerByte)));
        Assert.Equal(4, joined["plays"]!["alm"]!.BitsPerByte);
        Assert.Throws<InputException>(() => first.With(Run("c", 1, ("maths", ReportFile.Judgement(91, ("alm", 3, null))))));
    }

    [Fact]
    public void What_is_not_there_is_absent()
    {
        RunComparison comparison = Compare(
            Run("a", 1, ("maths", ReportFile.Judgement(90, ("teacher", 1, null), ("sft", 2, null))), ("plays", ReportFile.Judgement(70, ("sft", 3, null)))),
            Run("b", 2, ("maths", ReportFile.Judgement(90, ("teacher", 1, null), ("student-initial", 1, null), ("sft", 2, null), ("alm", 1.5, null)))));

        Assert.Equal(["maths", "plays"], comparison.Parts.Select(p => p.Name));
        Assert.Equal(["teacher", "sft", "student-initial", "alm"], comparison.Part("maths")!.Models.Select(m => m.Name));
        // No student before training in a; in b it began no worse than the teacher: nothing to close.
        Assert.Null(comparison.Part("maths")!["sft"]!.GapClosed);
        Assert.Null(comparison.Part("maths")!["sft"]!.Agreement);
        Assert.Equal([null, 1.5], comparison.Part("maths")!["alm"]!.BitsPerByte.Values);
        Assert.Null(comparison.Part("maths")!["alm"]!.BitsPerByte.StandardDeviation);
        Assert.Equal([3, null], comparison.Part("plays")!["sft"]!.BitsPerByte.Values);
        Assert.Null(comparison.Part("articles"));
        Assert.Equal(["teacher", "student-initial", "alm", "sft"], comparison.BestFirst().Part("maths")!.Models.Select(m => m.Name));
    }

    [Fact]
    public void A_mean_of_parts_is_taken_within_each_run()
    {
        (string, double, double?)[] plays = [("student-initial", 4, 0.1), ("teacher", 2, 1), ("sft", 3, 0.5)], articles = [("student-initial", 8, 0.1), ("teacher", 2, 1), ("sft", 4, 0.7)];
        FinishedRun both = Run("a", 1, ("plays", ReportFile.Judgement(10, plays)), ("articles", ReportFile.Judgement(30, articles)));
        FinishedRun one = Run("b", 2, ("plays", ReportFile.Judgement(10, plays)));

        RunComparison comparison = RunComparison.Of([both, one], [new PartMean("unseen", ["plays", "articles"])]);

        ComparedPart unseen = comparison.Part("unseen")!;
        Assert.Equal(40, unseen.Text.Bytes);
        Assert.Equal([3.5, null], unseen["sft"]!.BitsPerByte.Values);
        Assert.Equal([0.625, null], unseen["sft"]!.GapClosed!.Values);
        Assert.Equal(0.6, unseen["sft"]!.Agreement!.Mean, 12);
        Assert.Contains("a part already", Assert.Throws<InputException>(() => RunComparison.Of([both], [new PartMean("plays", ["plays"])])).Message, StringComparison.Ordinal);
        Assert.Contains("did you mean 'plays'?", Assert.Throws<InputException>(() => RunComparison.Of([both], [new PartMean("x", ["play"])])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_that_do_not_compare_are_refused_by_name()
    {
        FinishedRun first = Run("first", 1, ("maths", ReportFile.Judgement(90, ("sft", 2, null))));
        FinishedRun otherText = Run("other-text", 2, ("maths", ReportFile.Judgement(91, ("sft", 2, null))));

        string message = Assert.Throws<InputException>(() => Compare(first, otherText)).Message;

        Assert.Contains($"part 'maths': {otherText.Path} was judged on 3 documents, 91 bytes", message, StringComparison.Ordinal);
        Assert.Contains($"{first.Path} on 3 documents, 90 bytes", message, StringComparison.Ordinal);
        FinishedRun nothing = Run("nothing", 4, ("losses", "[1, 2]"));
        Assert.Contains($"no model was judged in {nothing.Path}", Assert.Throws<InputException>(() => Compare(nothing)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_name_for_models_of_two_tokenizers_is_refused()
    {
        FinishedRun bytes = Run("bytes", 1, ("maths", ReportFile.Judgement(90, ("sft", 2, null))));
        string judgement = ReportFile.Judgement(90, ("sft", 2, null)).Replace("\"tokenizer\": \"sft\"", "\"tokenizer\": \"subword\"", StringComparison.Ordinal);
        FinishedRun subword = Run("subword", 2, ("maths", judgement));

        string message = Assert.Throws<InputException>(() => Compare(bytes, subword)).Message;

        Assert.Contains($"model 'sft' has a different tokenizer in {subword.Path} than in {bytes.Path}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Agreement_with_two_references_is_refused()
    {
        string judgement = ReportFile.Judgement(90, ("sft", 2, 0.5));
        FinishedRun teacher = Run("teacher", 1, ("maths", judgement));
        FinishedRun none = Run("none", 2, ("maths", judgement.Replace("\"agreementWith\": \"teacher\", ", "", StringComparison.Ordinal)));
        FinishedRun other = Run("other", 3, ("maths", judgement.Replace("\"agreementWith\": \"teacher\"", "\"agreementWith\": \"big\"", StringComparison.Ordinal)));

        Assert.Single(Compare(none, teacher).Parts);
        Assert.Contains($"{other.Path} has agreement with 'big', others with 'teacher'", Assert.Throws<InputException>(() => Compare(none, teacher, other)).Message, StringComparison.Ordinal);
    }

    private static RunComparison Compare(params FinishedRun[] runs) => RunComparison.Of(runs, []);

    private FinishedRun Run(string name, int seed, params (string Part, string Json)[] parts)
        => FinishedRun.Read(new DiskStorage(), ReportFile.Write(_folder, name, seed, parts));
}
