using System.CommandLine;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Student;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm transfer</c>: gives a model another tokenizer without training it.</summary>
internal static class TransferCommand
{
    private const string Hypernetwork = "hypernetwork:";

    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder. With a hypernetwork: the model it was trained for, or one fine-tuned from it.", HelpName = "DIR", Required = true };
        var tokenizer = new Option<string>("--tokenizer") { Description = "The new tokenizer: a folder, a tokenizer.json, or bytes.", HelpName = "DIR", Required = true };
        var embeddings = new Option<string>("--embeddings") { Description = "How its embeddings are initialized: fvt, mean, random, omp or focus (with a donor), or hypernetwork:DIR.", HelpName = "HOW", DefaultValueFactory = _ => "fvt" };
        var donor = new Option<string?>("--donor") { Description = "For omp and focus: a model folder that has the new tokenizer.", HelpName = "DIR" };
        var untie = new Option<bool?>("--untie") { Description = "Give the output its own matrix where the model ties it to the input. Default: only for bytes.", HelpName = "true|false" };
        var type = new Option<WeightType>("--dtype") { Description = "Number format of the written weights.", HelpName = "float32|bfloat16|float16", DefaultValueFactory = _ => WeightType.Float32 };
        var seed = new Option<int>("--seed") { Description = "Seed of randomly initialized rows.", HelpName = "N", DefaultValueFactory = _ => 17 };
        var output = new Option<string>("--output", "-o") { Description = "The folder to write.", HelpName = "DIR", Required = true };
        var device = new DeviceInput();
        var command = new Command("transfer", "Gives a model another tokenizer without training it.");
        foreach (Option option in (Option[])[model, tokenizer, embeddings, donor, untie, type, seed, output])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string how = parsed.GetRequiredValue(embeddings), to = Path.GetFullPath(parsed.GetRequiredValue(output));
            if (EmbeddingChoice.Parse(how) is { Kind: EmbeddingInitialisation.Hypernetwork } choice)
                how = Hypernetwork + ModelPaths.Model(environment.Storage, choice.Folder!);
            var student = new StudentDefinition
            {
                Model = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)),
                Tokenizer = ModelPaths.Tokenizer(parsed.GetRequiredValue(tokenizer)),
                Embeddings = how,
                Donor = parsed.GetValue(donor) is { } folder ? ModelPaths.Model(environment.Storage, folder) : null,
                Untie = parsed.GetValue(untie),
            };
            if (to == student.Model)
                throw new InputException($"{to} is the model itself; give another folder to write");
            using TorchDevice torch = device.Create(parsed);
            string said = await StudentTransfer.WriteAsync(student, to, parsed.GetValue(type), parsed.GetValue(seed), environment.Storage, torch, cancellationToken);
            environment.Output.WriteLine($"wrote {to}; {said}");
            return ExitCodes.Success;
        });
        return command;
    }
}
