using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Inspection;

namespace Pipeline.Host.Commands;

/// <summary><c>alm inspect pair</c>: compares two tokenizers on a sample of text, without running a model.</summary>
internal static class InspectPairCommand
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
    };

    public static Command Create(CommandEnvironment environment)
    {
        var teacher = new Argument<string>("TEACHER") { Description = "A Hugging Face folder or a tokenizer.json." };
        var student = new Argument<string>("STUDENT") { Description = "The same, or bytes for one token per byte and the teacher's special tokens." };
        var text = new TextInput();
        var limits = new Option<int[]>("--limit")
        {
            Description = "A limit of tokens per document, to see its effect. May be given more than once. Default: powers of two from 256 to 8192.",
            HelpName = "N",
            AllowMultipleArgumentsPerToken = true,
        };
        limits.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>() is { } values && values.Any(v => v < 1))
                result.AddError("--limit: expected numbers from 1 on");
        });
        var json = new Option<string?>("--json") { Description = "Write the report to this file as JSON.", HelpName = "FILE" };
        var command = new Command(
            "pair", "alm inspect pair TEACHER STUDENT --text FILES compares two tokenizers on a sample of text: bytes covered, lengths of chunks, tokens per byte, shared vocabulary, how numbers split, special tokens, rejects, limits.");
        command.Arguments.Add(teacher);
        command.Arguments.Add(student);
        text.AddTo(command);
        command.Options.Add(limits);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            var stages = new CommandStages(environment, Path.GetTempPath(), environment.Error);
            PairReport report = PairInspection.Run(
                ModelPaths.Tokenizer(parsed.GetRequiredValue(teacher)),
                ModelPaths.Tokenizer(parsed.GetRequiredValue(student)),
                text.Read(parsed, stages, environment.Storage).ToBlockingEnumerable().Select(d => d.Text),
                parsed.GetValue(limits) is { Length: > 0 } given ? given : PairInspection.UsualLimits,
                environment.Storage);
            foreach (ReportTable table in PairTables.Of(report))
                TextTable.Write(environment.Output, table.Title, [table.Columns, .. table.Rows]);
            stages.PrintRejects(environment.Error);
            if (parsed.GetValue(json) is { } path)
                environment.Storage.WriteAtomically(Path.GetFullPath(path), stream => JsonSerializer.Serialize(stream, report, Layout));
            return ExitCodes.Success;
        });
        return command;
    }
}
