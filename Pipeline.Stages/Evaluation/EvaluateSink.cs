using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>Judges models in bits per byte on the text that reaches it, one model in memory at a time but for ensembles.</summary>
internal sealed class EvaluateSink(EvaluateOptions options, StageContext context) : ISink<TextDocument>, IEndsEarly
{
    public static StageRegistration Registration { get; } = StageRegistration.Sink<EvaluateOptions, TextDocument>(
        "evaluate", "Judges models by bits per byte on the same windows of text and writes a report.", static (o, c) => new EvaluateSink(o, c));

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        if (options.Models.Any(m => m.Model == InitialStudent.Name))
            await InitialStudent.EnsureAsync(context, cancellationToken);
        EvaluationPlan plan = EvaluationPlan.Make(options, context);
        var tokenizers = context.Service<TokenizerStore>();
        var text = new HeldOutText(options.WindowBytes, options.MaxBytes, [.. plan.Models.Select(m => tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint)]);
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            StopIfAsked();
            if (!text.Add(document, context.Rejects))
                break;
        }
        if (text.Bytes == 0)
            throw new InputException($"stage '{context.StageName}': no text reached it, so there is nothing to judge by");
        context.Meter.Count("windows", text.Windows.Count);
        context.Meter.Count("bytes", text.Bytes);

        var runner = new EvaluationRunner(context.Service<TorchDevice>(), tokenizers, context, options.BatchTokens, StopIfAsked);
        EvaluationReport report = await runner.RunAsync(plan, text, cancellationToken);
        context.Storage.WriteAtomically(
            RunPaths.Output(context.RunFolder, Path.Combine("report", options.To + ".json")), stream => stream.Write(EvaluationTable.ToJson(report)));
        foreach (string line in EvaluationTable.Lines(report))
            context.Meter.Say(line);
    }

    private void StopIfAsked()
    {
        if (context.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped while judging, which begins again with the same command");
    }
}

/// <summary>The windows of the held-out text, each under every tokenizer that judges it.</summary>
internal sealed class HeldOutText
{
    private readonly int _windowBytes;
    private readonly long _maxBytes;
    private readonly IReadOnlyList<(TextTokenizer Tokenizer, TextEncoder Encoder, List<WindowTokens> Windows)> _sides;

    public HeldOutText(int windowBytes, long maxBytes, IReadOnlyList<TextTokenizer> tokenizers)
    {
        _windowBytes = windowBytes;
        _maxBytes = maxBytes;
        _sides = [.. tokenizers.Select(t => (t, t.CreateEncoder(), new List<WindowTokens>()))];
    }

    public int WindowBytes => _windowBytes;

    public long Documents { get; private set; }

    public long Bytes { get; private set; }

    public bool IsCut { get; private set; }

    /// <summary>Windows under the first tokenizer; all have the same number.</summary>
    public IReadOnlyList<WindowTokens> Windows => _sides[0].Windows;

    public IReadOnlyList<WindowTokens> Under(TextTokenizer tokenizer) => _sides.First(s => s.Tokenizer.Fingerprint == tokenizer.Fingerprint).Windows;

    /// <summary>False once there is enough text. A document that one tokenizer cannot hold is rejected for all, so that all judge the same.</summary>
    public bool Add(TextDocument document, IRejects rejects)
    {
        if (Bytes >= _maxBytes)
        {
            IsCut = true;
            return false;
        }
        if (document.Messages is not null)
        {
            rejects.Reject(document.Id, "a conversation has no text of its own", $"{document.Id}: render it before it is judged");
            return true;
        }
        string text = WellFormedText.Normalize(document.Text);
        List<Window> windows = WindowCutter.Cut(text, _windowBytes);
        var encoded = new List<WindowTokens>[_sides.Count];
        try
        {
            for (int i = 0; i < _sides.Count; i++)
                encoded[i] = [.. windows.Select(w => WindowTokens.Encode(_sides[i].Encoder, _sides[i].Tokenizer, text.Substring(w.Start, w.Length)))];
        }
        catch (ByteViewException e)
        {
            rejects.Reject(document.Id, "byte views differ from the text", string.Create(CultureInfo.InvariantCulture, $"{document.Id}: {e.Message}"));
            return true;
        }
        for (int i = 0; i < _sides.Count; i++)
            _sides[i].Windows.AddRange(encoded[i]);
        Documents++;
        Bytes += Encoding.UTF8.GetByteCount(text);
        return true;
    }
}
