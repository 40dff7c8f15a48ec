using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Aligned pairs to examples: gathers a window, runs the teacher over batches of like length, and hands the window over in input order,
/// so that neither order nor batches depend on how the work was scheduled.
/// </summary>
internal sealed class ScoreTeacherStage(ScoreTeacherOptions options, StageContext context, TeacherModel teacher) : IStream<AlignedPair, Example>, IFingerprinted, IPlanned
{
    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        ["teacher weights"] = teacher.WeightsFingerprint,
        ["teacher hidden states"] = options.HiddenLayers is null ? "none" : string.Join(',', options.HiddenLayers),
    };

    public StagePlan Plan(long? records) => ScorePlan.Of(options, context, records);

    public async IAsyncEnumerable<Example> RunAsync(
        IAsyncEnumerable<AlignedPair> input, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var window = new List<AlignedPair>(options.Window);
        await foreach (AlignedPair pair in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            window.Add(pair);
            if (window.Count < options.Window) continue;
            foreach (Example example in await ScoreWindow(window, cancellationToken).ConfigureAwait(false)) yield return example;
            window.Clear();
        }
        foreach (Example example in await ScoreWindow(window, cancellationToken).ConfigureAwait(false)) yield return example;
    }

    private async Task<Example[]> ScoreWindow(List<AlignedPair> window, CancellationToken cancellationToken)
    {
        int[] lengths = [.. window.Select(p => p.Teacher.Count)];
        var examples = new Example[window.Count];
        foreach (int[] batch in LengthBatches.Plan(lengths, options.BatchTokens))
        {
            int[][] rows = Array.ConvertAll(batch, i => window[i].Teacher.Ids);
            int[][] ends = Array.ConvertAll(batch, i => Array.ConvertAll(window[i].Chunks, c => c.TeacherEnd - 1));
            IReadOnlyList<(TeacherScores Scores, TeacherHidden? Hidden)> scored;
            try
            {
                scored = await teacher.ScoreAsync(rows, ends, options.HiddenLayers ?? [], cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw MemoryExhaustion.At(
                    $"stage '{context.StageName}', batch of {rows.Length} documents of up to {batch.Max(i => lengths[i])} tokens from {window[batch[0]].Id} on", e,
                    $"lower batchTokens (now {options.BatchTokens}), or maxTeacherTokens of tokenize when one document alone is too long");
            }
            for (int k = 0; k < batch.Length; k++)
            {
                AlignedPair pair = window[batch[k]];
                examples[batch[k]] = new Example(
                    pair.Id, pair.Text, pair.Student, new TeacherView(pair.Teacher, scored[k].Scores, scored[k].Hidden), pair.Chunks);
            }
            long padded = LengthBatches.PaddedTokens(lengths, batch);
            long tokens = batch.Sum(i => (long)lengths[i]);
            context.Meter.Count("tokens", tokens);
            context.Meter.Count("paddingTokens", padded - tokens);
        }
        return examples;
    }

    /// <summary>The teacher of the run, loaded when the first flow needs it.</summary>
    public static ScoreTeacherStage Create(ScoreTeacherOptions options, StageContext context)
    {
        if (context.Definition.Teacher is null)
            throw new DefinitionException($"stage '{context.StageName}' needs a \"teacher\" with a \"model\" in the definition");
        return new ScoreTeacherStage(options, context, context.Service<TeacherStore>().Get(context));
    }
}
