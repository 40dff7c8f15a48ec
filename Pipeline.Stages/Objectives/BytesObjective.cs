using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The mean over the bytes of KL(teacher, student) between distributions over the next byte ("Objectives on next bytes" in docs/method.md). The
/// distributions are over the bytes that the teacher names, the end, and all other bytes as one. A byte-level student has such a distribution at
/// each of its positions. A student with longer tokens has one at each byte of its next token, given the bytes of that token so far.
/// </summary>
/// <param name="options">The objective's keys in the definition.</param>
/// <param name="name">The objective's name in the definition: <see cref="OfBytes"/> or <see cref="OfSubwords"/>.</param>
internal sealed class BytesObjective(BytesOptions options, string name) : IObjective
{
    public const string OfBytes = "bytes";
    public const string OfSubwords = "subwordBytes";

    public static ObjectiveRow RowOfBytes { get; } = Row(OfBytes, static o => o.Bytes);

    public static ObjectiveRow RowOfSubwords { get; } = Row(OfSubwords, static o => o.SubwordBytes);

    public string Name => name;

    public ObjectiveNeeds Needs => ObjectiveNeeds.NextBytes;

    public IReadOnlyList<int> Layers => [];

    public IReadOnlyList<int> TeacherLayers => [];

    public WeightSchedule Weight { get; } = new(options.Weight, options.Schedule);

    public IReadOnlyList<(string Name, Tensor Value)> Parameters => [];

    public double Count(BatchTables tables) => Tables(tables).Count;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
        => new(ObjectiveInputs.Require(inputs.ByteDivergence, Name, "the divergence of next bytes"), Tables(inputs.Tables).Count);

    private static ObjectiveRow<BytesOptions> Row(string name, Func<ObjectivesOptions, BytesOptions?> of) => new(name, of, (options, _) => new BytesObjective(options, name))
    {
        Needs = static _ => [TeacherNeed.Bytes("", NextByteKnowledge.Trunk)],
        Tables = static (options, inputs, tables) => tables with
        {
            Bytes = ByteTables.From(
                inputs.Examples, inputs.Length, inputs.BytesOf ?? throw new InvalidOperationException("objectives of next bytes ask how many bytes a token spells"), options.Positions),
        },
    };

    private ByteTables Tables(BatchTables tables)
        => tables.Bytes ?? throw new InvalidOperationException($"objective '{Name}': the batch tables were built without it");
}
