using System.CommandLine;
using System.Globalization;
using System.Net;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Serving;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Serving;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm serve</c>: serves models behind OpenAI's interface.</summary>
internal static class ServeCommand
{
    private const string KeyVariable = "ALM_API_KEY";

    public static Command Create(CommandEnvironment environment)
    {
        var input = new ModelInput();
        var host = new Option<string>("--host") { Description = "The address of this machine to listen on. An address that other machines can reach needs a key.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
        var port = new Option<int>("--port") { Description = "The port to listen on; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8000 };
        NumberRange.AddTo(port, 0, ushort.MaxValue);
        var key = new Option<string?>("--api-key") { Description = $"The key that callers must send as a bearer token. The variable {KeyVariable} is safer: others on the machine can see the command line.", HelpName = "KEY" };
        var rows = new Option<int>("--rows") { Description = "Answers that a model writes at once; further requests wait.", HelpName = "N", DefaultValueFactory = _ => 32 };
        NumberRange.AddTo(rows, 1, 4096);
        var batch = new Option<int>("--batch-tokens") { Description = "Tokens per batch of prompts, padding included.", HelpName = "N", DefaultValueFactory = _ => 8192 };
        NumberRange.AddTo(batch, 1, 1 << 24);
        var prefix = new Option<int>("--prefix-tokens") { Description = "Tokens whose keys and values each model keeps for texts with the same beginning; 0 keeps none.", HelpName = "N", DefaultValueFactory = _ => 1 << 16 };
        NumberRange.AddTo(prefix, 0, 1 << 30);
        var requests = new Option<int>("--max-requests") { Description = "Requests in progress at once; more are refused with 429.", HelpName = "N", DefaultValueFactory = _ => 256 };
        NumberRange.AddTo(requests, 1, 1 << 16);
        var body = new Option<int>("--max-body") { Description = "Largest body of a request, in bytes; larger ones are refused with 413.", HelpName = "BYTES", DefaultValueFactory = _ => 4 << 20 };
        NumberRange.AddTo(body, 1024, 1 << 30);
        var timeout = new Option<int>("--timeout") { Description = "Seconds that one request may take.", HelpName = "SECONDS", DefaultValueFactory = _ => 600 };
        NumberRange.AddTo(timeout, 1, 1_000_000);
        var device = new DeviceInput();
        var command = new Command("serve", "Serves models behind OpenAI's interface: completions with echo and logprobs, chats, tokenizers. Ctrl-C stops it once the requests in progress are done.");
        input.AddTo(command);
        foreach (Option option in (Option[])[host, port, key, rows, batch, prefix, requests, body, timeout])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            (IReadOnlyList<NamedModel> models, IReadOnlyList<EvaluatedEnsemble> ensembles) = input.Read(parsed, environment.Storage);
            string? secret = parsed.GetValue(key) ?? environment.Variable(KeyVariable);
            if (!IPAddress.TryParse(parsed.GetRequiredValue(host), out IPAddress? address))
                throw new DefinitionException($"--host: found '{parsed.GetRequiredValue(host)}', expected an address such as 127.0.0.1 or 0.0.0.0");
            if (!IPAddress.IsLoopback(address) && string.IsNullOrEmpty(secret))
                throw new DefinitionException($"--host {address} can be reached from other machines: give --api-key KEY, or set {KeyVariable}");
            var options = new ServerOptions(
                address, parsed.GetValue(port), string.IsNullOrEmpty(secret) ? null : secret, parsed.GetValue(body), parsed.GetValue(requests), TimeSpan.FromSeconds(parsed.GetValue(timeout)), TimeSpan.FromSeconds(10));
            var limits = new ServingLimits { Rows = parsed.GetValue(rows), BatchTokens = parsed.GetValue(batch), PrefixTokens = parsed.GetValue(prefix) };
            using TorchDevice torch = device.Create(parsed);
            var members = new Dictionary<string, ServedMember>(StringComparer.Ordinal);
            var served = new List<IServedModel>();
            try
            {
                foreach (NamedModel model in models)
                    members.Add(model.Name, new ServedMember(await torch.RunAsync(() => input.Load(model, parsed, environment.Storage, torch), cancellationToken), model.Folder, environment.Storage));
                foreach (string remark in members.Values.SelectMany(m => m.Member.Model.Remarks))
                    await environment.Error.WriteLineAsync(remark);
                foreach (EvaluatedEnsemble ensemble in ensembles)
                    served.Add(await EnsembleAsync(ensemble, members, torch, limits));
                served.AddRange(models.Select(m => new TokenServer(NameOf(m, models), [members[m.Name]], Averaging.None, torch, limits)));
                await ServeAsync(environment, new ServedModels(served, Aliases(models)), options, cancellationToken);
            }
            finally
            {
                foreach (IServedModel model in served)
                    await model.DisposeAsync();
                await torch.RunAsync(() =>
                {
                    foreach (ServedMember member in members.Values)
                        member.Member.Model.Dispose();
                }, CancellationToken.None);
            }
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<IServedModel> EnsembleAsync(EvaluatedEnsemble ensemble, Dictionary<string, ServedMember> all, TorchDevice torch, ServingLimits limits)
    {
        ServedMember[] members = [.. ensemble.Members.Select(name => all[name])];
        Averaging averaging = Averaging.Of(ensemble.Average, members.Length, ensemble.Weights, ensemble.Name);
        bool isUnlike = members.Select(m => m.Member.Model.Tokenizer.Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;
        return isUnlike
            ? await ByteServer.CreateAsync(ensemble.Name, members, averaging, torch, limits)
            : new TokenServer(ensemble.Name, members, averaging, torch, limits);
    }

    private static async Task ServeAsync(CommandEnvironment environment, ServedModels models, ServerOptions options, CancellationToken cancellationToken)
    {
        using var stop = new ServerStop(environment);
        await using var server = new AlmServer(models, options, environment.Error);
        await server.StartAsync(cancellationToken);
        await environment.Output.WriteLineAsync($"listening on {server.Url.ToString().TrimEnd('/')}");
        foreach (IServedModel model in models.All)
            await environment.Output.WriteLineAsync(Harness(model, server.Url));
        await environment.Output.FlushAsync(cancellationToken);
        await stop.WaitAsync(cancellationToken);
        await server.StopAsync();
    }

    // A command that runs lm-evaluation-harness on the model. The harness counts in tokens, which are single bytes for some models. Its defaults of 2,048
    // and 256 would cut their texts short.
    private static string Harness(IServedModel model, Uri url) => string.Create(
        CultureInfo.InvariantCulture,
        $"lm_eval --model local-completions --model_args model={model.Name},base_url={url}v1/completions,tokenizer_backend=remote,max_length={model.MaxLength},max_gen_toks={Math.Min(256, model.MaxLength / 4)}");

    private static string NameOf(NamedModel model, IReadOnlyList<NamedModel> all)
    {
        string last = Path.GetFileName(model.Folder.TrimEnd(Path.DirectorySeparatorChar));
        bool isPath = model.Name.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal);
        bool isUnique = all.Count(m => Path.GetFileName(m.Folder.TrimEnd(Path.DirectorySeparatorChar)) == last) == 1;
        return isPath && isUnique ? last : model.Name;
    }

    private static Dictionary<string, string> Aliases(IReadOnlyList<NamedModel> models)
    {
        var aliases = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (NamedModel model in models)
        {
            aliases[model.Name] = NameOf(model, models);
            aliases[model.Folder] = NameOf(model, models);
        }
        return aliases;
    }
}
