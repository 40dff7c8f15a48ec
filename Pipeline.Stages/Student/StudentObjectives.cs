using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>The objectives of a training run, with the tables over two vocabularies that some of them read.</summary>
/// <param name="Options">The definition's keys.</param>
/// <param name="All">The objectives, in the order of <see cref="ObjectiveTable"/>. This record owns their parameters.</param>
/// <param name="Bias">The tokenization bias of token pairs; null unless <c>alm</c> uses unbiased chunks.</param>
/// <param name="BytesOf">The length in bytes of a student token; null unless an objective on next bytes is used.</param>
internal sealed record StudentObjectives(ObjectivesOptions Options, IReadOnlyList<IObjective> All, TokenPairBias? Bias, Func<int, int>? BytesOf = null) : IDisposable
{
    /// <summary>Makes the objectives that the options turn on. To be called on the device's thread, where projectors are made.</summary>
    /// <param name="options">The definition's keys.</param>
    /// <param name="student">The configuration of the student's model.</param>
    /// <param name="run">The run: its definition, files and tokenizers.</param>
    /// <param name="teacher">Makes the teacher. It is called only if an objective asks for the teacher's sizes.</param>
    /// <param name="device">The device of the objectives' own parameters.</param>
    /// <exception cref="DefinitionException">An objective needs something that the definition does not have.</exception>
    /// <exception cref="InputException">A table does not exist, or was made for other tokenizers.</exception>
    public static StudentObjectives Create(ObjectivesOptions options, ModelConfig student, RunSite run, Func<ITeacher> teacher, Device device)
    {
        TokenPairBias? bias = options.Alm is { Chunks: ChunkKind.Unbiased } alm
            ? VocabularyFile.ReadBias(
                run.Storage,
                run.Input(alm.Bias ?? throw new DefinitionException("alm: chunks 'unbiased' need 'bias', the file that a compute-bias stage wrote")),
                Tokenizers(run))
            : null;
        var context = new ObjectiveContext(
            () => Shapes(student, run, teacher),
            map => [.. VocabularyFile.ReadMap(run.Storage, run.Input(map), Tokenizers(run)).Select(e => e.SourceId)],
            run.Definition.Seed,
            device);
        return new StudentObjectives(options, ObjectiveTable.Create(options, context), bias, BytesOfTokens(options, run));
    }

    /// <summary>Whether the objectives need a teacher alongside the student, whatever the shards hold.</summary>
    public static bool NeedTeacher(ObjectivesOptions options) => ObjectiveTable.Of(options).Any(row => row.Beside == TeacherBeside.Always);

    /// <summary>Whether the teacher scores every batch during training, so that the scores in the shards are not used.</summary>
    public static bool ScoreOnline(ObjectivesOptions options) => options.Alm is { Scores: TeacherScoring.Online };

    /// <summary>The tables that the objectives read of a batch. May be called from any thread.</summary>
    public BatchTables Tables(StudentBatch batch) => BatchTables.From(batch.Examples, batch.Length, Options, Bias, BytesOf);

    /// <summary>Whether these tables lack something that only a teacher alongside the student can provide.</summary>
    public bool NeedTeacher(BatchTables tables) => NeedTeacher(Options) || tables.Latents is { Teacher_LCH: null, Chunks.Count: > 0 };

    public void Dispose()
    {
        foreach ((_, Tensor value) in All.SelectMany(o => o.Parameters)) value.Dispose();
    }

    private static Func<int, int>? BytesOfTokens(ObjectivesOptions options, RunSite run)
    {
        if (options.Bytes is null && options.SubwordBytes is null)
            return null;
        TextTokenizer tokenizer = SideTokenizers.Student(run);
        return id => tokenizer.ByteView(id).Length;
    }

    private static ModelShapes Shapes(ModelConfig student, RunSite run, Func<ITeacher> teacher)
    {
        TeacherDefinition definition = run.Definition.Teacher
            ?? throw new DefinitionException("objectives latents and dskd compare hidden states with a teacher's, but the definition has no \"teacher\"");
        TeacherShape shape = teacher().Facts.Shape
            ?? throw new DefinitionException($"objectives latents and dskd compare hidden states with a teacher's, but backend '{definition.Backend}' does not give its sizes");
        return new ModelShapes(student.Layers, student.HiddenSize, shape.Layers, shape.HiddenSize);
    }

    private static TokenizerPair Tokenizers(RunSite run)
        => new(SideTokenizers.Teacher(run).Fingerprint, SideTokenizers.Student(run).Fingerprint);
}
