using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tasks;

/// <summary>
/// Judges models by tasks, all on the same questions. The questions are kept in memory; the models are loaded in turn, one model or ensemble at a time.
/// Answers are stored as they are given, so that a judgement that was stopped continues.
/// </summary>
internal sealed class JudgeTasksSink(JudgeTasksOptions options, StageContext context) : ISink<TaskQuestion>
{
    private readonly RunSite _run = RunSite.Of(context);
    private readonly TorchDevice _device = context.Service<TorchDevice>();
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    public static StageRegistration Registration { get; } = StageRegistration.Sink<JudgeTasksOptions, TaskQuestion, JudgeTasksSink>(
        "judge-tasks", "Judges models by tasks: likelihoods of choices and of texts, and answers they write, with intervals.",
        static (o, c) => new JudgeTasksSink(o, c))
        .Writing<JudgeTasksOptions>(static o => [new StageOutput("to", ReportOf(o), OutputKind.Report), new StageOutput("to", o.To, OutputKind.Table) { IsState = true }])
        .Ruled<JudgeTasksOptions>(static (o, c) => EvaluatedModelRules.Of(o.Evaluated, c));

    public async Task RunAsync(IAsyncEnumerable<TaskQuestion> input, CancellationToken cancellationToken)
    {
        if (options.Models.Any(m => m.Model == InitialStudent.Name))
            await InitialStudent.EnsureAsync(_run, _device, cancellationToken);
        EvaluationPlan plan = EvaluationPlan.Make(options.Evaluated, context.Definition, context.RunFolder);
        List<TaskQuestion[]> tasks = await UsableAsync(input, plan, cancellationToken);
        if (tasks.Count == 0)
            throw new InputException($"stage '{context.StageName}': no question reached it, so there is nothing to judge on");
        AnsweringModel[] models =
        [
            .. plan.Models.Select(p => new AnsweringModel(p.Name, [p], Averaging.None, false)),
            .. plan.Ensembles.Select(e => new AnsweringModel(e.Name, plan.MembersOf(e), Averaging.Of(e.Average, e.Members.Count, e.Weights, e.Name), EvaluationPlan.IsUnlike(plan.MembersOf(e), _run.Tokenizers))),
        ];
        var answers = new List<TaskAnswer[][]>();
        foreach (AnsweringModel model in models)
            answers.Add(await AnswersAsync(model, tasks, answers.Count, models.Length, cancellationToken));
        Report(models, tasks, answers);
    }

    private static string ReportOf(JudgeTasksOptions options) => Path.Combine("report", options.To + ".json");

    // A question that one tokenizer cannot reproduce is rejected for all models, so that all answer the same questions.
    private async Task<List<TaskQuestion[]>> UsableAsync(IAsyncEnumerable<TaskQuestion> input, EvaluationPlan plan, CancellationToken cancellationToken)
    {
        PromptEncoder[] encoders = [.. plan.Models.Select(m => _run.Tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint).Select(Encoder)];
        var questions = new List<TaskQuestion>();
        await foreach (TaskQuestion question in input.WithCancellation(cancellationToken))
        {
            StopIfAsked();
            try
            {
                foreach (PromptEncoder encoder in encoders)
                {
                    foreach (string choice in question.Continuations.DefaultIfEmpty(""))
                        encoder.Encode(question.Id, question.Prompt, choice);
                }
                questions.Add(question);
            }
            catch (RejectedException e)
            {
                context.Rejects.Reject(e.Id, e.Reason, e.Message);
            }
        }
        return [.. questions.GroupBy(q => q.Task.Name, StringComparer.Ordinal).Select(g => g.ToArray())];
    }

    /// <summary>A model's answers, task by task. The model is loaded only if an answer is missing.</summary>
    private async Task<TaskAnswer[][]> AnswersAsync(AnsweringModel model, List<TaskQuestion[]> tasks, int done, int models, CancellationToken cancellationToken)
    {
        var store = new AnswerStore(context.Storage, _run.Output(Path.Combine(options.To, "answers")), options);
        string key = store.KeyOf(model, _run.Tokenizers);
        long all = tasks.Sum(t => (long)t.Length), answered = all * done;
        TaskAnswerer? answerer = null;
        try
        {
            var answers = new List<TaskAnswer[]>();
            foreach (TaskQuestion[] task in tasks)
            {
                var ofTask = new List<TaskAnswer>();
                foreach (TaskQuestion[] part in task.Chunk(options.PartQuestions))
                {
                    StopIfAsked();
                    string path = store.PathOf(key, part);
                    if (store.Read(path) is { } known)
                    {
                        ofTask.AddRange(known);
                    }
                    else
                    {
                        answerer ??= await _device.RunAsync(() => Load(model), cancellationToken);
                        TaskAnswer[] some = await answerer.AnswerAsync(part, cancellationToken);
                        store.Write(path, some);
                        ofTask.AddRange(some);
                    }
                    context.Meter.Progress(answered += part.Length, all * models);
                }
                answers.Add([.. ofTask]);
            }
            return [.. answers];
        }
        finally
        {
            if (answerer is not null)
                await _device.RunAsync(answerer.Dispose, CancellationToken.None);
        }
    }

    private TaskAnswerer Load(AnsweringModel model)
    {
        var members = new List<ByteMember>();
        try
        {
            foreach (ModelPlace place in model.Places)
            {
                TextTokenizer tokenizer = _run.Tokenizers.Get(place.Tokenizer);
                members.Add(new ByteMember(
                    LanguageModel.Load(place.Folder, tokenizer, context.Storage, _device, name: place.Name, edit: place.Edit), EndTokens.Read(place.Folder, tokenizer, context.Storage)));
                members[^1].Model.Model.LimitPositions($"model '{place.Name}'", context.Definition.StrictPositions, context.Meter.Say);
            }
            foreach (string remark in members.SelectMany(m => m.Model.Remarks).Where(_said.Add))
                context.Meter.Say(remark);
            return new TaskAnswerer(_device, options, members, model, Encoder(members[0].Model.Tokenizer), StopIfAsked);
        }
        catch
        {
            members.ForEach(m => m.Model.Dispose());
            throw;
        }
    }

    private void Report(AnsweringModel[] models, List<TaskQuestion[]> tasks, List<TaskAnswer[][]> answers)
    {
        string[] names = [.. models.Select(m => m.Name)];
        string FolderOf(string name) => _run.Output(Path.Combine(options.To, HarnessFiles.FolderOf(name, names)));
        var figures = new TaskFigures(context.Definition.Seed, options.Resamples);
        var results = new List<TaskResult>();
        for (int t = 0; t < tasks.Count; t++)
        {
            TaskFile task = tasks[t][0].Task;
            (string Name, IReadOnlyList<TaskMetric> Metrics)[] metrics = [.. models.Select((m, i) => (m.Name, TaskMetrics.Of(tasks[t], answers[i][t])))];
            results.Add(new TaskResult(
                task.Name, task.Kind.ToString().ToLowerInvariant(), task.Wording, task.Imitates is { } rule ? $"{rule.Program}, {rule.Task} {rule.Version}{(rule.Differs.Length > 0 ? $" ({rule.Differs})" : "")}" : null,
                task.Shots, tasks[t].Length, figures.Of(metrics, options.Reference)));
            for (int i = 0; i < models.Length; i++)
                HarnessFiles.WriteSamples(context.Storage, FolderOf(names[i]), tasks[t], answers[i][t], metrics[i].Metrics);
        }
        var report = new TaskReport(results, options.Reference, context.Definition.Seed, options.Resamples);
        foreach (AnsweringModel model in models)
            HarnessFiles.WriteResults(context.Storage, FolderOf(model.Name), report, model.Name, string.Join(", ", model.Places.Select(p => p.Folder)));
        context.Storage.WriteAtomically(_run.Output(ReportOf(options)), stream => stream.Write(TaskReport.ToJson(report)));
        foreach (string line in TaskTable.Lines(report))
            context.Meter.Say(line);
    }

    private PromptEncoder Encoder(TextTokenizer tokenizer) => new(ChatSides.Of(tokenizer, null, _run));

    private void StopIfAsked()
    {
        if (context.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped while judging; the same command continues with what is not answered yet");
    }
}
