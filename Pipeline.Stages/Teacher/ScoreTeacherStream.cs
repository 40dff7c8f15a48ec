using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Turns aligned pairs into examples with the teacher's scores. It gathers a window of documents, has batches of similar length scored, and gives the
/// window in the order of the input. Thus neither the order nor the batches depend on which work happened to end first.
/// </summary>
internal sealed class ScoreTeacherStream(ScoreTeacherOptions options, string name, ITeacher teacher, RunSite run, FlowFacts facts, IStageMeter meter)
    : IStream<AlignedPair, Example>, IFingerprinted, IPlanned
{
    private readonly Lock _gate = new();
    private double _lostMillionths;

    public static StageRegistration Registration { get; } = StageRegistration.Stream<ScoreTeacherOptions, AlignedPair, Example, ScoreTeacherStream>(
        "score-teacher",
        "Runs the teacher once and keeps two numbers per teacher token: the log-likelihood of the token and the log boundary mass after it.",
        static (o, c) => new ScoreTeacherStream(o, c.StageName, c.Service<TeacherStore>().Get(c), RunSite.Of(c), c.Facts, c.Meter))
        .Telling<ScoreTeacherOptions>(static (o, facts) => facts with { NextBytes = o.Bytes != NextByteKnowledge.None })
        .Ruled<ScoreTeacherOptions>(ScoreTeacherRules.Of) with
    { Needs = StageNeeds.Teacher };

    public IReadOnlyDictionary<string, string> Fingerprint
    {
        get
        {
            var parts = new Dictionary<string, string>(teacher.Fingerprint)
            {
                [FingerprintPart.TeacherHiddenStates] = options.HiddenLayers is null ? "none" : string.Join(',', options.HiddenLayers),
            };
            // Exact masses are not named, so that the shards of such a teacher stay as they were before there were teachers without.
            if (teacher.Facts.Abilities.Boundary != BoundaryKnowledge.Exact)
                parts[FingerprintPart.TeacherBoundary] = ShardFingerprint.BoundaryIs(teacher.Facts.Abilities.Boundary);
            if (options.NextBytes is { } asked)
            {
                parts[FingerprintPart.TeacherNextBytes] = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(asked.View == NextByteKnowledge.Exact ? $"exact but for {asked.LeastShare}" : "trunk")}, at most {asked.MaxKept} to {asked.KeepShare}");
            }
            if (!teacher.Facts.Repeatable) parts[FingerprintPart.TeacherRepeats] = "no";
            return parts;
        }
    }

    public StagePlan Plan(long? records) => ScorePlan.Of(options, run, facts, teacher, records);

    public async IAsyncEnumerable<Example> RunAsync(
        IAsyncEnumerable<AlignedPair> input, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        teacher.Prepare();
        await teacher.ConfirmAsync(cancellationToken).ConfigureAwait(false);
        var window = new List<AlignedPair>(options.Window);
        await foreach (AlignedPair pair in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            window.Add(pair);
            if (window.Count < options.Window) continue;
            foreach (Example example in await ScoreWindow(window, cancellationToken).ConfigureAwait(false)) yield return example;
            window.Clear();
        }
        foreach (Example example in await ScoreWindow(window, cancellationToken).ConfigureAwait(false)) yield return example;
        await teacher.ConfirmAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<Example[]> ScoreWindow(List<AlignedPair> window, CancellationToken cancellationToken)
    {
        int[] lengths = [.. window.Select(p => p.Teacher.Count)];
        var examples = new Example[window.Count];
        int most = (int)Math.Min(options.BatchTokens, teacher.Facts.MostTokens ?? options.BatchTokens);
        await InFlight.ForEachAsync(LengthBatches.Plan(lengths, most), teacher.Facts.MostInFlight, async (batch, stop) =>
        {
            IReadOnlyList<TeacherAnswer> scored = await AskAsync(window, batch, stop).ConfigureAwait(false);
            for (int k = 0; k < batch.Length; k++)
            {
                AlignedPair pair = window[batch[k]];
                examples[batch[k]] = new Example(
                    pair.Id, pair.Text, pair.Student, new TeacherView(pair.Teacher, scored[k].Scores, scored[k].Hidden, scored[k].Bytes?.Bytes), pair.Chunks);
            }
            long padded = LengthBatches.PaddedTokens(lengths, batch);
            long tokens = batch.Sum(i => (long)lengths[i]);
            if (options.NextBytes is not null) CountBytes(Array.ConvertAll(batch, i => window[i]), scored);
            meter.Count("tokens", tokens);
            meter.Count("paddingTokens", padded - tokens);
        }, cancellationToken).ConfigureAwait(false);
        return examples;
    }

    private void CountBytes(AlignedPair[] pairs, IReadOnlyList<TeacherAnswer> scored)
    {
        meter.Count("textBytes", pairs.Sum(p => (long)Encoding.UTF8.GetByteCount(p.Text)));
        meter.Count("byteContexts", scored.Sum(s => (long)(s.Bytes?.Contexts ?? 0)));
        // The meter counts in whole numbers. Shares are therefore counted in millionths, and what is less than one is carried over.
        lock (_gate)
        {
            _lostMillionths += 1e6 * scored.Sum(s => s.Bytes?.LostShare ?? 0);
            long whole = (long)_lostMillionths;
            _lostMillionths -= whole;
            if (whole > 0) meter.Count("lostByteMillionths", whole);
        }
        long silent = scored.Sum(s => s.Bytes is { Bytes: var bytes } ? Enumerable.Range(0, bytes.Rows - 1).LongCount(row => !bytes.Has(row)) : 0);
        if (silent > 0) meter.Count("bytesWithoutCondition", silent);
    }

    private async Task<IReadOnlyList<TeacherAnswer>> AskAsync(List<AlignedPair> window, int[] batch, CancellationToken cancellationToken)
    {
        bool hidden = options.HiddenLayers is { Count: > 0 };
        TeacherQuestion[] rows = Array.ConvertAll(batch, i => new TeacherQuestion(window[i].Teacher.Ids)
        {
            Document = window[i].Id,
            HiddenAt = hidden ? Array.ConvertAll(window[i].Chunks, c => c.TeacherEnd - 1) : [],
            Tokens = options.NextBytes is null ? null : window[i].Teacher,
        });
        try
        {
            return await teacher.ScoreAsync(new TeacherRequest(rows) { HiddenLayers = options.HiddenLayers ?? [], Bytes = options.NextBytes }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (MemoryExhaustion.Is(e))
        {
            throw MemoryExhaustion.At(
                $"stage '{name}', batch of {rows.Length} documents of up to {rows.Max(r => r.Ids.Length)} tokens starting with {window[batch[0]].Id}", e,
                $"lower batchTokens (now {options.BatchTokens}), or maxTeacherTokens of tokenize if a single document is too long");
        }
    }
}
