using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>Loads models in turn and scores the held-out text with each.</summary>
/// <param name="device">Where.</param>
/// <param name="tokenizers">By path.</param>
/// <param name="storage">Model folders.</param>
/// <param name="meter">Progress.</param>
/// <param name="batchTokens">Of a batch.</param>
/// <param name="ranks">Who shares the batches.</param>
/// <param name="stopIfAsked">Throws between batches when a stop was asked for.</param>
internal sealed class EvaluationRunner(TorchDevice device, TokenizerStore tokenizers, IStorage storage, IStageMeter meter, int batchTokens, IRanks ranks, Action stopIfAsked)
{
    private const string AgreementRule =
        "agreement = share of the byte offsets of windows where both this model and agreementWith begin a token they have a prediction for, and both "
        + "have the same most likely next byte: the first byte whose tokens have the most probability together. Special tokens together count as one more "
        + "byte. A token that begins with a space its tokenizer put there is left out.";

    private readonly WindowScorer _scorer = new(device, batchTokens, ranks);
    private LikeliestBytes? _reference;
    private long _done;
    private long _total;

    public async Task<EvaluationReport> RunAsync(EvaluationPlan plan, HeldOutText text, CancellationToken cancellationToken)
    {
        _total = (long)text.Windows.Count * (plan.Models.Count + plan.Ensembles.Count);
        var results = new List<ModelResult>();
        // The one that others are compared with goes first, whatever its place in the report.
        foreach (ModelPlace place in plan.Models.OrderBy(m => m.Name != plan.Agreement))
            results.Add(await JudgeAsync(place.Name, place.Folder, [place], EnsembleAverage.Probability, text, plan.Agreement, cancellationToken));
        results = [.. plan.Models.Select(m => results.First(r => r.Name == m.Name))];
        foreach (EvaluatedEnsemble ensemble in plan.Ensembles)
        {
            ModelPlace[] members = [.. ensemble.Members.Select(name => plan.Models.First(m => m.Name == name))];
            string label = $"{(ensemble.Average == EnsembleAverage.Probability ? "probability" : "log-probability")} of {string.Join(", ", ensemble.Members)}";
            results.Add(await JudgeAsync(ensemble.Name, label, members, ensemble.Average, text, plan.Agreement, cancellationToken));
        }
        meter.Count("tokens", _scorer.Work.Tokens);
        meter.Count("paddingTokens", _scorer.Work.Padding);
        return new EvaluationReport(text.WindowBytes, text.Documents, text.Windows.Count, text.Bytes, text.IsCut, results, Gap(plan.Gap, results))
        {
            AgreementWith = plan.Agreement,
            AgreementRule = plan.Agreement is null ? null : AgreementRule,
        };
    }

    private async Task<ModelResult> JudgeAsync(
        string name, string label, IReadOnlyList<ModelPlace> places, EnsembleAverage average, HeldOutText text, string? agreement, CancellationToken cancellationToken)
    {
        TextTokenizer tokenizer = OneTokenizer(name, places);
        IReadOnlyList<WindowTokens> windows = text.Under(tokenizer);
        LikeliestBytes? nextBytes = agreement is null ? null : new LikeliestBytes(windows, _reference);
        var members = new List<LanguageModel>();
        double[] sums;
        try
        {
            foreach (ModelPlace place in places)
            {
                members.Add(await device.RunAsync(
                    () => LanguageModel.Load(place.Folder, tokenizers.Get(place.Tokenizer), storage, device, name: place.Name), cancellationToken));
            }
            WarnOfLength(members, windows);
            long before = _done;
            sums = await _scorer.ScoreAsync(members, average, windows, nextBytes, done =>
            {
                stopIfAsked();
                meter.Progress(_done = before + done, _total);
            }, cancellationToken);
            _done = before + windows.Count;
        }
        finally
        {
            await device.RunAsync(() => members.ForEach(m => m.Dispose()), CancellationToken.None);
        }
        long unscored = windows.Sum(w => (long)w.UnscoredBytes), tokens = windows.Sum(w => (long)w.TextTokens);
        double bits = BitsPerByte.Bits(sums.Sum(), unscored);
        var result = new ModelResult(name, label, BitsPerByte.Of(bits, text.Bytes), bits, tokens, (double)tokens / text.Bytes, unscored, tokenizer.Fingerprint);
        return nextBytes is null ? result : Compared(result, nextBytes);
    }

    private ModelResult Compared(ModelResult result, LikeliestBytes nextBytes)
    {
        if (_reference is null)
        {
            _reference = nextBytes;
            return result;
        }
        (long same, long offsets) = nextBytes.ComparedWith(_reference);
        return result with { Agreement = offsets > 0 ? (double)same / offsets : null, AgreementOffsets = offsets };
    }

    private TextTokenizer OneTokenizer(string name, IReadOnlyList<ModelPlace> places)
    {
        TextTokenizer tokenizer = tokenizers.Get(places[0].Tokenizer);
        ModelPlace? other = places.FirstOrDefault(p => tokenizers.Get(p.Tokenizer).Fingerprint != tokenizer.Fingerprint);
        return other is null ? tokenizer : throw new InputException(
            $"ensemble '{name}': '{places[0].Name}' and '{other.Name}' have different tokenizers; transfer the members to one tokenizer first");
    }

    private void WarnOfLength(List<LanguageModel> members, IReadOnlyList<WindowTokens> windows)
    {
        int longest = windows.Max(w => w.Ids.Length);
        foreach (LanguageModel member in members.Where(m => longest > m.Model.Config.MaxPositions))
        {
            meter.Say(string.Create(
                CultureInfo.InvariantCulture, $"model '{member.Name}' was made for {member.Model.Config.MaxPositions} positions, the longest window has {longest} tokens; a smaller windowBytes suits it"));
        }
    }

    private static GapResult? Gap(EvaluatedGap? gap, List<ModelResult> results)
    {
        if (gap is null)
            return null;
        double Of(string name) => results.First(r => r.Name == name).BitsPerByte;
        return new GapResult(gap.Before, gap.After, gap.Teacher, BitsPerByte.GapClosed(Of(gap.Before), Of(gap.After), Of(gap.Teacher)));
    }
}
