using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Inspection;

namespace Pipeline.Host.Recipes;

/// <summary>The numbers of a recipe that trains. They are chosen from the models and the texts, and each has its reason in words.</summary>
internal sealed record TrainingSizes
{
    // The limit of a document's tokens is the smallest that at most this share of the bytes lies beyond. Texts for which no limit is large enough get the
    // second number, which is what the paper trains on.
    private const double MostBeyond = 0.02;
    private const int LimitOfLong = 512;
    private const int TokensPerShard = 1 << 20;
    private const int MostSteps = 5000, LeastSteps = 200;
    private const int SmallModel = 10_000_000, MiddleModel = 200_000_000, LargeModel = 100_000_000;
    private static readonly int[] Limits = [64, 128, 256, 512, 1024, 2048];

    /// <summary>The most teacher tokens of a document. Longer documents are split.</summary>
    public required int TeacherTokens { get; init; }

    /// <summary>The most student tokens of a document.</summary>
    public required int StudentTokens { get; init; }

    public required string VocabularyReason { get; init; }

    public required string LengthReason { get; init; }

    public required int Shards { get; init; }

    public required string ShardReason { get; init; }

    /// <summary>The student tokens of one step of the optimizer.</summary>
    public required int StepTokens { get; init; }

    public required int Steps { get; init; }

    public required string StepReason { get; init; }

    public required string LearningRate { get; init; }

    public required string RateReason { get; init; }

    /// <summary>Whether the student is large: it is then written in bfloat16, and a byte-level student gets input expansion.</summary>
    public required bool IsLarge { get; init; }

    /// <summary>Chooses the numbers for a recipe.</summary>
    /// <param name="recipe">What is wanted.</param>
    /// <param name="rate">A learning rate that has proved good, and the number of parameters of the model that it was used for.</param>
    /// <param name="storage">The storage that the tokenizers are in.</param>
    public static TrainingSizes Of(Recipe recipe, (double Rate, double Parameters) rate, IStorage storage)
    {
        RecipeModel teacher = recipe.Models[0], student = recipe.Student ?? teacher;
        string tokenizer = recipe.Kind.Name == "bytes" ? "bytes" : Path.GetFullPath(recipe.Student?.Path ?? recipe.Tokenizer!);
        PairReport pair = recipe.Texts.Pair(Path.GetFullPath(teacher.Path), recipe.Tokenizer == "bytes" ? "bytes" : tokenizer, Limits, storage);
        TextFigures text = pair.Text;
        double ratio = (double)text.StudentTokens / Math.Max(1, text.TeacherTokens);
        // Documents must not be longer than either model was made for.
        int most = (int)Math.Max(Limits[0], Math.Min(teacher.Positions, student.Positions / Math.Max(1, ratio)));
        LimitRow[] fitting = [.. pair.Limits.Where(l => l.Tokens <= most)];
        LimitRow limit = fitting.FirstOrDefault(l => l.TeacherBytesBeyond <= MostBeyond * text.Bytes) ?? fitting.LastOrDefault(l => l.Tokens <= LimitOfLong) ?? fitting[^1];
        int studentTokens = Math.Min(Math.Max(student.Positions, 16), (int)Math.Ceiling(limit.Tokens * Math.Max(1, ratio) * 1.5 / 64) * 64);
        long rows = Math.Max(1, recipe.Texts.Rows - (recipe.HeldOut is null ? recipe.Judged : 0));
        double perText = (double)text.Bytes / Math.Max(1, text.Documents), teacherTokens = rows * perText * text.TeacherTokensPerByte, studentTotal = rows * perText * text.StudentTokensPerByte;
        int stepTokens = Math.Max(student.Parameters < SmallModel ? 4096 : student.Parameters < MiddleModel ? 16384 : 65536, RoundUp(studentTokens, 1024));
        int steps = (int)Math.Clamp(Round(3 * studentTotal / stepTokens), LeastSteps, MostSteps);
        double learningRate = rate.Rate * Math.Pow(rate.Parameters / student.Parameters, 2.0 / 3);
        return new TrainingSizes
        {
            TeacherTokens = limit.Tokens,
            StudentTokens = studentTokens,
            VocabularyReason = Text($"Of the student's {pair.Vocabulary.StudentTokens:N0} tokens of text {pair.Vocabulary.SameBytes:N0} stand for the same bytes as one of the teacher's {pair.Vocabulary.TeacherTokens:N0}{(recipe.Student is null ? ": they begin as copies, all others as means of those that spell them." : ".")}"),
            LengthReason = Text($"Of the first {text.Documents:N0} texts, {100 - (100.0 * limit.TeacherBytesBeyond / Math.Max(1, text.Bytes)):0.#} % of the bytes lie within {limit.Tokens:N0} teacher tokens; what is longer is split{(limit.TeacherBytesBeyond > MostBeyond * text.Bytes ? " into parts of the length that the paper trains on" : "")}. For each of them the student has {ratio:0.##}, and room for half as many more, since not all texts are alike."),
            Shards = (int)Math.Clamp(Math.Ceiling(teacherTokens / TokensPerShard), 4, 256),
            ShardReason = Text($"About {Round(teacherTokens):N0} teacher tokens, a million to a shard, 4 at least: a shard is what a kill loses, and what tasks share."),
            StepTokens = stepTokens,
            Steps = steps,
            StepReason = Text($"A step takes {stepTokens:N0} student tokens, as is usual here for a model of this size; {steps:N0} steps read the text {steps * (double)stepTokens / studentTotal:0.#} times (three times is what is aimed at, with {LeastSteps} steps at least and {MostSteps:N0} at most)."),
            LearningRate = learningRate.ToString("0e-0", CultureInfo.InvariantCulture),
            RateReason = Text($"The learning rate goes with the two thirds power of the size, from {rate.Rate:0e-0} at {rate.Parameters / 1e9:0.#} billion parameters; try three times more and less."),
            IsLarge = student.Parameters >= LargeModel,
        };
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    // Rounds to two digits. More would promise too much, because the text is known only by a sample.
    private static double Round(double value)
    {
        double scale = Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(Math.Max(1, value))) - 1));
        return Math.Round(value / scale) * scale;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
