using System.Globalization;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;

namespace Pipeline.Stages.Evaluation;

/// <summary>Loads the models in turn and scores the held-out text with each. It serves one evaluation.</summary>
/// <param name="device">Where the models compute.</param>
/// <param name="tokenizers">The tokenizers, by path.</param>
/// <param name="storage">Where the model folders are read from.</param>
/// <param name="meter">Gets progress, counts and remarks.</param>
/// <param name="batchTokens">How many tokens a batch may have, padding included.</param>
/// <param name="ranks">The ranks that share the batches.</param>
/// <param name="stopIfAsked">Called after each batch; throws if a stop was asked for.</param>
/// <param name="strictPositions">Whether to refuse windows of more tokens than a model was made for.</param>
internal sealed class EvaluationRunner(TorchDevice device, TokenizerStore tokenizers, IStorage storage, IStageMeter meter, int batchTokens, IRanks ranks, Action stopIfAsked, bool strictPositions = false)
{
    private const string AgreementRule =
        "agreement = share of the byte offsets of windows where both this model and agreementWith begin a token they have a prediction for, and both "
        + "have the same most likely next byte: the first byte whose tokens have the most probability together. Special tokens together count as one more "
        + "byte. A token that begins with a space its tokenizer put there is left out.";

    private const string ExactRule =
        "exact = by the model's distribution over the next byte and the end given the bytes before, summed over all its tokenizations of them, at every byte "
        + "of the windows. agreement = share of bytes where the most likely next one is exactWith's. divergence = mean over bytes of the Kullback-Leibler "
        + "divergence from exactWith, in bits. An ensemble of unlike tokenizers averages its members' distributions over the next byte.";

    private readonly WindowScorer _scorer = new(device, batchTokens, ranks);
    private readonly HashSet<string> _unsound = new(StringComparer.Ordinal);
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private LikeliestBytes? _reference;
    private DifferingFinder? _differing;
    private long _done;
    private long _total;

    /// <summary>Judges everything that the plan asks for. Every rank must call it, and gets the same report.</summary>
    public async Task<EvaluationReport> RunAsync(EvaluationPlan plan, HeldOutText text, CancellationToken cancellationToken)
    {
        ILookup<bool, EvaluatedEnsemble> ensembles = plan.Ensembles.ToLookup(e => EvaluationPlan.IsUnlike(plan.MembersOf(e), tokenizers));
        _total = (long)text.Windows.Count * (plan.Models.Count + plan.Ensembles.Count + (plan.ExactBytes ? plan.Models.Count : 0));
        var results = new List<ModelResult>();
        _differing = plan.FindsDiffering ? new DifferingFinder(plan, text, ranks) : null;
        // The models that others are compared with go first; the report has its own order.
        foreach (ModelPlace place in plan.Models.OrderBy(m => m.Name != plan.Agreement).ThenBy(m => m.Name != plan.Teacher))
            results.Add(await JudgeAsync(place.Name, place.Folder, [place], Averaging.None, text, plan.Agreement, cancellationToken));
        results = [.. plan.Models.Select(m => results.First(r => r.Name == m.Name))];
        foreach (EvaluatedEnsemble ensemble in ensembles[false])
            results.Add(await JudgeAsync(ensemble.Name, Label(ensemble), plan.MembersOf(ensemble), Of(ensemble), text, plan.Agreement, cancellationToken));
        if (plan.ExactBytes)
        {
            foreach (int i in Enumerable.Range(0, plan.Models.Count).Where(i => results[i].NotFinite is null))
                results[i] = results[i] with { Exact = await JudgeBytesAsync([plan.Models[i]], Averaging.None, plan, text, cancellationToken) };
        }
        foreach (EvaluatedEnsemble ensemble in ensembles[true])
        {
            if (results.FirstOrDefault(r => r.NotFinite is not null && ensemble.Members.Contains(r.Name)) is { } unsound)
            {
                results.Add(new ModelResult(ensemble.Name, Label(ensemble), double.NaN, double.NaN, text.Bytes, 1, 0, TextTokenizer.BytesPath) { NotFinite = unsound.NotFinite });
                continue;
            }
            ExactResult exact = await JudgeBytesAsync(plan.MembersOf(ensemble), Of(ensemble), plan, text, cancellationToken);
            results.Add(new ModelResult(ensemble.Name, Label(ensemble), exact.BitsPerByte, exact.Bits, text.Bytes, 1, exact.UnscoredBytes, TextTokenizer.BytesPath, Exact: exact));
        }
        results = [.. results.Take(plan.Models.Count), .. plan.Ensembles.Select(e => results.Last(r => r.Name == e.Name))];
        meter.Count("tokens", _scorer.Work.Tokens);
        meter.Count("paddingTokens", _scorer.Work.Padding);
        return new EvaluationReport(text.WindowBytes, text.Documents, text.Windows.Count, text.Bytes, text.IsCut, results, Gap(plan.Gap, results))
        {
            Stride = text.Stride,
            Differing = _differing?.Found,
            AgreementWith = plan.Agreement,
            AgreementRule = plan.Agreement is null ? null : AgreementRule,
            ExactWith = results.Any(r => r.Exact is not null) ? plan.ExactReference : null,
            ExactRule = results.Any(r => r.Exact is not null) ? ExactRule : null,
        };
    }

    private static string Label(EvaluatedEnsemble ensemble)
    {
        string members = string.Join(", ", ensemble.Members.Select((m, i) => ensemble.Weights.Count == 0 ? m : string.Create(CultureInfo.InvariantCulture, $"{ensemble.Weights[i]} {m}")));
        return $"{(ensemble.Average == EnsembleAverage.Probability ? "probability" : "log-probability")} of {members}";
    }

    private static Averaging Of(EvaluatedEnsemble ensemble) => Averaging.Of(ensemble.Average, ensemble.Members.Count, ensemble.Weights, ensemble.Name);

    private async Task<ExactResult> JudgeBytesAsync(
        IReadOnlyList<ModelPlace> places, Averaging averaging, EvaluationPlan plan, HeldOutText text, CancellationToken cancellationToken)
    {
        ModelPlace? other = plan.Models.FirstOrDefault(m => m.Name == plan.ExactReference && !_unsound.Contains(m.Name));
        bool isReference = places.Count == 1 && places[0] == other;
        ModelPlace[] needed = [.. places.Concat(other is null ? [] : [other]).DistinctBy(p => p.Name)];
        var models = new Dictionary<string, ByteMember>(StringComparer.Ordinal);
        ByteSide? side = null, reference = null;
        try
        {
            foreach (ModelPlace place in needed)
                models.Add(place.Name, await device.RunAsync(() => new ByteMember(Load(place), EndTokens.Read(place.Folder, tokenizers.Get(place.Tokenizer), storage)), cancellationToken));
            await device.RunAsync(
                () =>
                {
                    side = new ByteSide([.. places.Select(p => models[p.Name])], averaging);
                    reference = other is null || isReference ? null : new ByteSide([models[other.Name]], Averaging.None);
                },
                cancellationToken);
            long before = _done;
            ExactResult result = await new ByteJudge(device, batchTokens, ranks).JudgeAsync(side!, reference, text.Texts, done =>
            {
                stopIfAsked();
                meter.Progress(_done = before + done, _total);
            }, cancellationToken);
            _done = before + text.Texts.Count;
            return result;
        }
        finally
        {
            await device.RunAsync(
                () =>
                {
                    side?.Dispose();
                    reference?.Dispose();
                    foreach (ByteMember member in models.Values)
                        member.Model.Dispose();
                },
                CancellationToken.None);
        }
    }

    private LanguageModel Load(ModelPlace place)
    {
        LanguageModel model = LanguageModel.Load(place.Folder, tokenizers.Get(place.Tokenizer), storage, device, name: place.Name, edit: place.Edit);
        model.Model.LimitPositions($"model '{place.Name}'", strictPositions, meter.Say);
        return model;
    }

    private async Task<ModelResult> JudgeAsync(
        string name, string label, IReadOnlyList<ModelPlace> places, Averaging average, HeldOutText text, string? agreement, CancellationToken cancellationToken)
    {
        TextTokenizer tokenizer = tokenizers.Get(places[0].Tokenizer);
        IReadOnlyList<WindowTokens> windows = text.Under(tokenizer);
        LikeliestBytes? nextBytes = agreement is null ? null : new LikeliestBytes(windows, _reference);
        float[]?[]? kept = _differing is not null && places.Count == 1 ? new float[]?[windows.Count] : null;
        var members = new List<LanguageModel>();
        double[] sums;
        string? notFinite = null;
        try
        {
            foreach (ModelPlace place in places)
                members.Add(await device.RunAsync(() => Load(place), cancellationToken));
            foreach (string remark in members.SelectMany(m => m.Remarks).Where(_said.Add))
                meter.Say(remark);
            long before = _done;
            sums = await _scorer.ScoreAsync(members, average, windows, nextBytes, kept, done =>
            {
                stopIfAsked();
                meter.Progress(_done = before + done, _total);
            }, cancellationToken);
            _done = before + windows.Count;
            // All ranks have the same sums here, so that none throws while the others wait for it.
            if (Array.FindIndex(sums, sum => !double.IsFinite(sum)) is >= 0 and int bad)
                notFinite = await device.RunAsync(() => Why(members, windows[bad].Ids, bad), cancellationToken);
        }
        finally
        {
            await device.RunAsync(() => members.ForEach(m => m.Dispose()), CancellationToken.None);
        }
        long unscored = windows.Sum(w => (long)w.UnscoredBytes), tokens = windows.Sum(w => (long)w.TextTokens);
        double bits = notFinite is null ? BitsPerByte.Bits(sums.Sum(), unscored) : double.NaN;
        var result = new ModelResult(name, label, BitsPerByte.Of(bits, text.Bytes), bits, tokens, (double)tokens / text.Bytes, unscored, tokenizer.Fingerprint) { NotFinite = notFinite };
        if (notFinite is not null)
            _unsound.Add(name);
        else if (kept is not null)
            _differing!.Add(name, tokenizer, sums, kept);
        if (name == agreement && notFinite is null)
            _reference = nextBytes;
        return name == agreement || notFinite is not null || nextBytes is null || _reference is null ? result : Compared(result, nextBytes, _reference);
    }

    /// <summary>Says which member gives numbers that are not finite on the window, and why.</summary>
    private static string Why(List<LanguageModel> members, int[] window, int index)
    {
        using IDisposable quiet = torch.no_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        LanguageModel member = members.Find(m => !m.Hidden(torch.tensor(Array.ConvertAll(window, id => (long)id), device: m.Device).unsqueeze(0)).isfinite().all().cpu().item<bool>()) ?? members[0];
        return NotFinite.Describe(member.Name, member.Model, string.Create(CultureInfo.InvariantCulture, $"its likelihoods of window {index + 1}"));
    }

    private static ModelResult Compared(ModelResult result, LikeliestBytes nextBytes, LikeliestBytes reference)
    {
        (long same, long offsets) = nextBytes.ComparedWith(reference);
        return result with { Agreement = offsets > 0 ? (double)same / offsets : null, AgreementOffsets = offsets };
    }

    private static GapResult? Gap(EvaluatedGap? gap, List<ModelResult> results)
    {
        if (gap is null)
            return null;
        double Of(string name) => results.First(r => r.Name == name).BitsPerByte;
        // A model without finite figures has NaN bits per byte. No comparison with NaN holds, so that the share is null.
        double? closed = BitsPerByte.GapClosed(Of(gap.Before), Of(gap.After), Of(gap.Teacher));
        return new GapResult(gap.Before, gap.After, gap.Teacher, closed is { } share && double.IsFinite(share) ? share : null);
    }
}
