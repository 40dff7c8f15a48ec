using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Choices;

/// <summary>
/// Judges models by the likelihoods that they give to true and false answers. It also measures their bits per byte on plain text, because an edit may
/// improve the answers and yet damage the model.
/// </summary>
internal sealed class EvaluateChoicesSink(EvaluateChoicesOptions options, StageContext context) : ISink<ChoiceQuestion>
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    private readonly RunSite _run = RunSite.Of(context);
    private readonly TorchDevice _device = context.Service<TorchDevice>();

    public static StageRegistration Registration { get; } = StageRegistration.Sink<EvaluateChoicesOptions, ChoiceQuestion, EvaluateChoicesSink>(
        "evaluate-choices", "Judges models by their likelihoods of answers (MC1 to MC3, accuracy, bias) and by bits per byte of plain text.",
        static (o, c) => new EvaluateChoicesSink(o, c))
        .Writing<EvaluateChoicesOptions>(static o => [new StageOutput("to", ReportOf(o), OutputKind.Report)])
        .Ruled<EvaluateChoicesOptions>(static (o, c) => EvaluatedModelRules.Of(new EvaluateOptions { Models = o.Models }, c));

    public async Task RunAsync(IAsyncEnumerable<ChoiceQuestion> input, CancellationToken cancellationToken)
    {
        OptionRules.Require(options, $"stage '{context.StageName}'");
        EvaluationPlan plan = EvaluationPlan.Make(new EvaluateOptions { Models = options.Models, Differing = 0 }, context.Definition, context.RunFolder);
        List<ChoiceQuestion> questions = await UsableAsync(input, plan, cancellationToken);
        if (questions.Count == 0)
            throw new InputException($"stage '{context.StageName}': no question reached it, so there is nothing to judge on");
        EvaluationReport text = await TextAsync(plan, cancellationToken);
        var results = new List<ChoicesResult>();
        foreach (ModelPlace place in plan.Models)
            results.Add(await JudgeAsync(place, questions, text.Models[results.Count].BitsPerByte, results.Count, plan.Models.Count, cancellationToken));
        var report = new ChoicesReport(questions.Count, text.Bytes, results, options.Compare is { } names ? EditVerdict.Of(names, results) : null);
        context.Storage.WriteAtomically(_run.Output(ReportOf(options)), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(report, Layout)));
        Say(report);
    }

    private static string ReportOf(EvaluateChoicesOptions options) => Path.Combine("report", options.To + ".json");

    // A question that one tokenizer cannot reproduce is rejected for all models, so that all answer the same questions.
    private async Task<List<ChoiceQuestion>> UsableAsync(IAsyncEnumerable<ChoiceQuestion> input, EvaluationPlan plan, CancellationToken cancellationToken)
    {
        PromptEncoder[] encoders = [.. plan.Models.Select(m => _run.Tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint).Select(Encoder)];
        var questions = new List<ChoiceQuestion>();
        await foreach (ChoiceQuestion question in input.WithCancellation(cancellationToken))
        {
            StopIfAsked();
            try
            {
                foreach (PromptEncoder encoder in encoders)
                    Rows(encoder, question);
                questions.Add(question);
            }
            catch (RejectedException e)
            {
                context.Rejects.Reject(e.Id, e.Reason, e.Message);
            }
        }
        return questions;
    }

    private async Task<EvaluationReport> TextAsync(EvaluationPlan plan, CancellationToken cancellationToken)
    {
        TextTokenizer[] sides = [.. plan.Models.Select(m => _run.Tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint)];
        var text = new HeldOutText(options.WindowBytes, null, options.MaxTextBytes, sides, keepOffsets: false);
        await foreach (TextDocument document in PlainText.Read(options.Text, options.TextColumn, context, cancellationToken))
        {
            if (!text.Add(document, context.Rejects))
                break;
        }
        if (text.Bytes == 0)
            throw new InputException($"stage '{context.StageName}': 'text' names no text; results on answers need bits per byte to compare with");
        return await new EvaluationRunner(_device, _run.Tokenizers, context.Storage, context.Meter, options.BatchTokens, OneRank.Instance, StopIfAsked).RunAsync(plan, text, cancellationToken);
    }

    private async Task<ChoicesResult> JudgeAsync(
        ModelPlace place, List<ChoiceQuestion> questions, double bitsPerByte, int done, int models, CancellationToken cancellationToken)
    {
        TextTokenizer tokenizer = _run.Tokenizers.Get(place.Tokenizer);
        PromptEncoder encoder = Encoder(tokenizer);
        EncodedPrompt[][] rows = [.. questions.Select(q => Rows(encoder, q))];
        EncodedPrompt[] flat = [.. rows.SelectMany(r => r)];
        LanguageModel model = await _device.RunAsync(
            () => LanguageModel.Load(place.Folder, tokenizer, context.Storage, _device, name: place.Name, edit: place.Edit), cancellationToken);
        try
        {
            double[] sums = await new ChoiceScorer(_device, [model], Averaging.None, options.BatchTokens).ScoreAsync(flat, scored =>
            {
                StopIfAsked();
                context.Meter.Progress(((long)done * flat.Length) + scored, (long)models * flat.Length);
            }, cancellationToken);
            var answers = new List<(ChoiceQuestion, double[])>();
            int at = 0;
            for (int q = 0; q < questions.Count; q++)
            {
                answers.Add((questions[q], [.. rows[q].Select((row, i) => questions[q].IsMeanScored ? sums[at + i] / Math.Max(1, row.Ids.Length - Math.Max(1, row.Begins)) : sums[at + i])]));
                at += rows[q].Length;
            }
            return ChoiceJudge.Of(place.Name, answers, bitsPerByte, flat.Count(r => r.IsShared));
        }
        finally
        {
            await _device.RunAsync(model.Dispose, CancellationToken.None);
        }
    }

    private static EncodedPrompt[] Rows(PromptEncoder encoder, ChoiceQuestion question) => [.. question.Choices.Select(choice => encoder.Encode(question.Id, question.Prompt, choice))];

    private PromptEncoder Encoder(TextTokenizer tokenizer) => new(ChatSides.Of(tokenizer, null, _run));

    private void Say(ChoicesReport report)
    {
        context.Meter.Say(string.Create(CultureInfo.InvariantCulture, $"{report.Questions} questions, {report.TextBytes:N0} bytes of plain text"));
        foreach (ChoicesResult model in report.Models)
        {
            string bias = model.Ambiguous is { } ambiguous && model.Disambiguated is { } clear
                ? string.Create(CultureInfo.InvariantCulture, $"  accuracy {clear.Accuracy:0.0000} (ambiguous {ambiguous.Accuracy:0.0000})  bias {clear.Bias:0.000} (ambiguous {ambiguous.Bias:0.000})")
                : "";
            context.Meter.Say(string.Create(
                CultureInfo.InvariantCulture, $"{model.Name}  mc1 {model.Mc1:0.0000}  mc2 {model.Mc2:0.0000}  mc3 {model.Mc3:0.0000}{bias}  bits per byte {model.BitsPerByte:0.0000}"));
        }
        if (report.Verdict is { } verdict)
        {
            context.Meter.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"the edit {(verdict.Holds ? "holds" : "does not hold")}: mc2 {verdict.Gain:+0.0000;-0.0000} over the plain model, {verdict.OverExchanged:+0.0000;-0.0000} over exchanged sides, {verdict.OverRandom:+0.0000;-0.0000} over random bases; text costs {verdict.TextCost:+0.0%;-0.0%} (random bases {verdict.RandomTextCost:+0.0%;-0.0%})"));
        }
    }

    private void StopIfAsked()
    {
        if (context.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped while judging; the same command starts judging again");
    }
}
