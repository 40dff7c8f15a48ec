using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// Gives a batch of examples from shards the tokenizer of a step. The text is tokenized again, and aligned again with the teacher's tokens in the
/// shards. The result depends only on the seed, the step and the batch. For one thread at a time.
/// </summary>
internal sealed class BatchSampler(TrainHypernetworkOptions options, long seed, TextTokenizer source, int sourceRows, TokenizerSampler sampler, int maxPieces, int pad)
{
    private readonly SurfaceFormBuilder _forms = SurfaceFormBuilder.Of(source, sourceRows);

    public SampledBatch At(long step, StudentBatch batch)
    {
        (TextTokenizer tokenizer, SampledKind kind) = sampler.At(step);
        var dropped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        TextEncoder encoder = tokenizer.CreateEncoder();
        var examples = new List<Example>(batch.Examples.Length);
        foreach (Example example in batch.Examples)
        {
            if (Retokenize(example, encoder, out string? reason) is { } again)
                examples.Add(again);
            else
                dropped[reason!] = dropped.GetValueOrDefault(reason!) + 1;
        }
        int[] rows = Rows(step, tokenizer, examples);
        Dictionary<int, int> rowOf = rows.Select((id, row) => (id, row)).ToDictionary(p => p.id, p => p.row);
        Example[] local = [.. examples.Select(e => e with { Student = e.Student with { Ids = Array.ConvertAll(e.Student.Ids, id => rowOf[id]) } })];
        SurfaceForms forms = _forms.Build(VocabularyTransfer.BytesOf(tokenizer), rows, VocabularyTransfer.Roles(source, tokenizer), maxPieces, pad);
        bool[] boundary = BoundaryMask.For(tokenizer);
        BatchTables? tables = local.Length == 0 ? null : BatchTables.From(local, local.Max(e => e.Student.Count), options.Objectives);
        return new SampledBatch(local, tables, forms, [.. rows.Select(id => boundary[id])], kind, tokenizer.VocabularySize, dropped, batch.Next);
    }

    private static Example? Retokenize(Example example, TextEncoder encoder, out string? reason)
    {
        reason = null;
        if (example.Teacher is not { } view)
            reason = "no teacher tokens";
        else if (view.Tokens.Units is { } units && units.Any(u => u is not (UnitLabels.Text or UnitLabels.Bos or UnitLabels.Eos)))
            reason = "a conversation";
        if (reason is not null)
            return null;
        TokenSequence teacher = example.Teacher!.Tokens;
        bool Has(ushort unit) => (teacher.Units?.Contains(unit) ?? false) || (example.Student.Units?.Contains(unit) ?? false);
        try
        {
            TokenSequence student = encoder.EncodeDocument(example.Text, Has(UnitLabels.Bos), Has(UnitLabels.Eos));
            if (teacher.LossMask is not null)
                student = student with { LossMask = RealignMap.LossMask(example, teacher, student) };
            return example with { Student = student, Chunks = ChunkAligner.Align(teacher, student), Teacher = example.Teacher with { Hidden = null } };
        }
        catch (ByteViewException)
        {
            reason = ByteViewException.Reason;
            return null;
        }
    }

    /// <summary>The ids that are predicted, in ascending order: all that occur, the special tokens, and random others up to the limit.</summary>
    private int[] Rows(long step, TextTokenizer tokenizer, List<Example> examples)
    {
        int size = tokenizer.VocabularySize;
        if (options.VocabularyRows == 0 || options.VocabularyRows >= size)
            return [.. Enumerable.Range(0, size)];
        var rows = new SortedSet<int>(examples.SelectMany(e => e.Student.Ids));
        foreach (int? mark in new[] { tokenizer.BosId, tokenizer.EosId, tokenizer.PadId })
        {
            if (mark is { } id)
                rows.Add(id);
        }
        var random = new CounterRandom(CounterRandom.Key(seed, step, 3));
        // A vocabulary may have ids without a token. The number of tries is limited, so that the draws end in any case.
        for (int tries = 0; rows.Count < options.VocabularyRows && tries < 20 * size; tries++)
        {
            int id = random.Below(size);
            if (tokenizer.ByteView(id).Length > 0)
                rows.Add(id);
        }
        return [.. rows];
    }
}
