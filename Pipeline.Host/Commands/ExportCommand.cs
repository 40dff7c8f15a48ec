using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Artifacts;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm export</c>: writes a model as a GGUF file, for llama.cpp and programs built on it.</summary>
internal static class ExportCommand
{
    private const string Initial = "-initial";

    public static Command Create(CommandEnvironment environment)
    {
        var model = new Argument<string>("MODEL") { Description = "A Hugging Face folder, or a run folder that exported one." };
        var gguf = new Option<string>("--gguf") { Description = "The GGUF file to write, for llama.cpp and what is built on it.", HelpName = "FILE.gguf", Required = true };
        var type = new Option<GgufType>("--type") { Description = "Number format of the matrices; rows that q8_0 cannot hold are f16.", HelpName = "f32|f16|bf16|q8_0", DefaultValueFactory = _ => GgufType.F16 };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "A tokenizer other than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        var prompt = new Option<string?>("--prompt") { Description = "Open the written file in llama.cpp and continue this text, always with the most likely token, to see it answer.", HelpName = "TEXT" };
        var tokens = new Option<int>("--max-tokens") { Description = "With --prompt: at most this many new tokens.", HelpName = "N", DefaultValueFactory = _ => 64 };
        NumberRange.AddTo(tokens, 1, 1_000_000);
        var command = new Command("export", "Writes a model as a GGUF file, which llama.cpp opens, and says what GGUF cannot express.");
        command.Arguments.Add(model);
        foreach (Option option in (Option[])[gguf, type, tokenizer, prompt, tokens])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string folder = ModelOf(environment.Storage, ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)));
            string to = Path.GetFullPath(parsed.GetRequiredValue(gguf));
            string? other = parsed.GetValue(tokenizer) is { } named ? ModelPaths.Tokenizer(named) : null;
            using TorchDevice torch = TorchDevice.Create(DeviceChoice.Cpu, 0, null);
            IReadOnlyList<string> remarks = await torch.RunAsync(() => GgufModelFile.Convert(folder, other, to, parsed.GetValue(type), environment.Storage, torch), cancellationToken);
            foreach (string remark in remarks)
                environment.Output.WriteLine($"note: {remark}");
            environment.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {to}: {environment.Storage.Length(to)} bytes"));
            if (parsed.GetValue(prompt) is { } text)
            {
                int? end = TextTokenizer.Load(other ?? folder, environment.Storage).EosId;
                environment.Output.WriteLine($"llama.cpp continues:{GgufAnswer.Of(to, text, end, parsed.GetValue(tokens), cancellationToken)}");
            }
            return ExitCodes.Success;
        });
        return command;
    }

    private static string ModelOf(IStorage storage, string folder)
    {
        var kind = new ModelArtifact();
        if (kind.Recognises(storage, folder) || !new RunFolderArtifact().Recognises(storage, folder))
            return folder;
        // A run folder also has the untrained student, whose name is that of the student with a suffix. It is not meant.
        HashSet<string> all = [.. storage.List(folder).Where(f => kind.Recognises(storage, f))];
        string[] models = [.. all.Where(f => !(f.EndsWith(Initial, StringComparison.Ordinal) && all.Contains(f[..^Initial.Length]))).Order(StringComparer.Ordinal)];
        return models.Length switch
        {
            1 => models[0],
            0 => throw new InputException($"{folder} is a run folder without a model; let the run finish, or give a model's folder"),
            _ => throw new InputException($"{folder} is a run folder with {models.Length} models; give one of {string.Join(", ", models)}"),
        };
    }
}
