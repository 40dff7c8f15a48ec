using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Artifacts;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm export</c>: a model as a file that another program opens.</summary>
internal static class ExportCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Argument<string>("MODEL") { Description = "A Hugging Face folder, or a run folder that exported one." };
        var gguf = new Option<string>("--gguf") { Description = "The GGUF file to write, for llama.cpp and what is built on it.", HelpName = "FILE.gguf", Required = true };
        var type = new Option<GgufType>("--type") { Description = "Number format of the matrices; rows that q8_0 cannot hold are f16.", HelpName = "f32|f16|bf16|q8_0", DefaultValueFactory = _ => GgufType.F16 };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Another tokenizer than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        var command = new Command("export", "Writes a model as a file that llama.cpp opens; says what GGUF cannot say.");
        command.Arguments.Add(model);
        foreach (Option option in (Option[])[gguf, type, tokenizer])
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
            return ExitCodes.Success;
        });
        return command;
    }

    private static string ModelOf(IStorage storage, string folder)
    {
        var kind = new ModelArtifact();
        if (kind.Recognises(storage, folder) || !new RunFolderArtifact().Recognises(storage, folder))
            return folder;
        string[] models = [.. storage.List(folder).Where(f => kind.Recognises(storage, f))];
        return models.Length switch
        {
            1 => models[0],
            0 => throw new InputException($"{folder} is a run folder without a model; let it end, or give a model's folder"),
            _ => throw new InputException($"{folder} is a run folder with {models.Length} models; give one of {string.Join(", ", models)}"),
        };
    }
}
