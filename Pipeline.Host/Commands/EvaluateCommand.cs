using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm evaluate</c>: judges models by the stages <c>evaluate</c> and <c>judge-tasks</c>, without a definition.</summary>
internal static class EvaluateCommand
{
    private const string Part = "judgement", TasksPart = "tasks";

    public static Command Create(CommandEnvironment environment)
    {
        var models = new Option<string[]>("--model")
        {
            Description = "A Hugging Face folder; NAME=DIR names it in the table. May be given more than once. With models named student-initial, student and teacher, the share of the gap that training closed is printed.",
            HelpName = "[NAME=]DIR",
            Required = true,
            Arity = ArgumentArity.OneOrMore,
        };
        var edits = new Option<string[]>("--edit")
        {
            Description = "An edit of the activations of the model with that name: a folder that project-sea wrote. May be given more than once.",
            HelpName = "NAME=DIR",
            Arity = ArgumentArity.OneOrMore,
        };
        var text = new TextInput();
        var agreement = new Option<string?>("--agreement")
        {
            Description = "The model, as the table names it, that the others are compared with: the share of byte offsets where both begin a token and both have the same most likely next byte.",
            HelpName = "NAME",
        };
        var exact = new Option<bool>("--exact-bytes")
        {
            Description = "Also judge by the exact distribution over the next byte at every byte: bits per byte, and the agreement with and divergence from the model of --agreement, else the one named teacher. For BPE tokenizers. Costs about one position per byte for each model.",
        };
        var ensembles = new EnsembleInput();
        var window = new Option<int>("--window-bytes") { Description = "The longest window, in bytes of UTF-8; each window is scored by itself.", HelpName = "N", DefaultValueFactory = _ => 1024 };
        var stride = new Option<int?>("--stride") { Description = "Bytes of a window that are judged; those before them are context.", HelpName = "N" };
        NumberRange.AddTo(window, WindowCutter.LeastWindowBytes, 1 << 20);
        var batch = new Option<int>("--batch-tokens") { Description = "Tokens per batch, padding included.", HelpName = "N", DefaultValueFactory = _ => 8192 };
        NumberRange.AddTo(batch, 1, 1 << 24);
        var json = new Option<string?>("--json") { Description = "Write the report to this file as JSON: that of the text or, without text, that of the tasks.", HelpName = "FILE" };
        var tasks = new TaskInput();
        var device = new DeviceInput();
        var command = new Command("evaluate", "Judges models by bits per byte, all on the same windows of text, and by tasks, all on the same questions.");
        command.Options.Add(models);
        command.Options.Add(edits);
        text.AddTo(command, isRequired: false);
        tasks.AddTo(command);
        ensembles.AddTo(command);
        foreach (Option option in (Option[])[agreement, exact, window, stride, batch, json])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            IStorage storage = environment.Storage;
            var options = new EvaluateOptions
            {
                Models = Edited(
                    Members([.. parsed.GetRequiredValue(models).Select(m => ModelInput.Named(m, storage)).Select(m => new EvaluatedModel { Name = m.Name, Model = m.Folder })], ensembles.Read(parsed), storage),
                    parsed.GetValue(edits) ?? [],
                    storage),
                Ensembles = ensembles.Read(parsed),
                ExactBytes = parsed.GetValue(exact),
                Agreement = parsed.GetValue(agreement),
                WindowBytes = parsed.GetValue(window),
                Stride = parsed.GetValue(stride),
                BatchTokens = parsed.GetValue(batch),
                MaxBytes = 1 << 30,
                To = Part,
            };
            using TorchDevice torch = device.Create(parsed);
            if (text.IsGiven(parsed))
            {
                await RunAsync(environment, torch, null, (Part, parsed.GetValue(json)), async stages =>
                    await ((ISink<TextDocument>)stages.Create("evaluate", options)).RunAsync(text.Read(parsed, stages, storage), cancellationToken));
            }
            if (tasks.IsGiven(parsed))
            {
                var judged = new JudgeTasksOptions { Models = options.Models, Ensembles = options.Ensembles, Reference = tasks.Reference(parsed), BatchTokens = options.BatchTokens, WindowBytes = options.WindowBytes, Stride = options.Stride, To = TasksPart };
                await RunAsync(environment, torch, tasks.Folder(parsed), (TasksPart, text.IsGiven(parsed) ? null : parsed.GetValue(json)), stages =>
                    TaskJudgement.RunAsync(stages.Create("read-tasks", tasks.Read(parsed)), stages.Create("judge-tasks", judged), cancellationToken));
            }
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Runs stages, prints what they say, and copies their report.</summary>
    /// <param name="environment">The storage, and where to print.</param>
    /// <param name="torch">The device that the stages compute on.</param>
    /// <param name="kept">The folder that stages use as the run folder. Null stands for a temporary one, which is deleted afterwards.</param>
    /// <param name="report">The name of the report, and the file to copy it to. Without a file it is not copied.</param>
    /// <param name="judge">Makes and runs the stages.</param>
    private static async Task RunAsync(CommandEnvironment environment, TorchDevice torch, string? kept, (string Part, string? File) report, Func<CommandStages, Task> judge)
    {
        IStorage storage = environment.Storage;
        string folder = kept ?? Staging.PathFor(storage, Path.Combine(Path.GetTempPath(), "alm-evaluate"));
        if (kept is null)
            WorkInHand.Add(storage, folder);
        try
        {
            var stages = new CommandStages(environment, folder, environment.Output);
            stages.Provide(torch);
            stages.Provide<IRanks>(OneRank.Instance);
            await judge(stages);
            stages.PrintRejects(environment.Error);
            if (report.File is { } file)
                Copy(storage, Path.Combine(folder, "report", report.Part + ".json"), Path.GetFullPath(file));
        }
        finally
        {
            if (kept is null)
            {
                storage.DeleteDirectory(folder);
                WorkInHand.Remove(folder);
            }
        }
    }

    // A model that is named only by an ensemble is also judged by itself.
    private static List<EvaluatedModel> Members(List<EvaluatedModel> models, IReadOnlyList<EvaluatedEnsemble> ensembles, IStorage storage)
    {
        foreach (string member in ensembles.SelectMany(e => e.Members))
        {
            if (models.All(m => m.Name != member) && storage.DirectoryExists(Path.GetFullPath(member)))
                models.Add(new EvaluatedModel { Name = member, Model = Path.GetFullPath(member) });
        }
        return models;
    }

    private static List<EvaluatedModel> Edited(List<EvaluatedModel> models, string[] edits, IStorage storage)
    {
        foreach (string argument in edits)
        {
            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            int model = equals < 1 ? -1 : models.FindIndex(m => m.Name == argument[..equals]);
            if (model < 0)
                throw new DefinitionException($"--edit {argument}: expected NAME=DIR, NAME one of {string.Join(", ", models.Select(m => m.Name))}");
            models[model] = models[model] with { Edit = SteeringEdit.PathOf(Path.GetFullPath(argument[(equals + 1)..]), storage) };
        }
        return models;
    }

    private static void Copy(IStorage storage, string from, string to) => storage.WriteAtomically(to, output =>
    {
        using Stream input = storage.OpenRead(from);
        input.CopyTo(output);
    });
}
