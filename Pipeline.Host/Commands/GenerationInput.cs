using System.CommandLine;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Host.Commands;

/// <summary>The options that say how the next token is chosen, and where a text ends.</summary>
internal sealed class GenerationInput
{
    private readonly Option<int> _most = new("--max-tokens") { Description = "At most this many new tokens.", HelpName = "N", DefaultValueFactory = _ => 256 };

    private readonly Option<double?> _temperature = new("--temperature") { Description = "Logits are divided by it before a token is sampled; 0 takes the most likely one.", HelpName = "T" };

    private readonly Option<int?> _topK = new("--top-k") { Description = "Sample from the k most likely tokens.", HelpName = "K" };

    private readonly Option<double?> _topP = new("--top-p") { Description = "Sample from the most likely tokens whose probabilities add up to this.", HelpName = "P" };

    private readonly Option<double?> _minP = new("--min-p") { Description = "Drop tokens whose probability is below this share of the most likely token's.", HelpName = "P" };

    private readonly Option<double?> _penalty = new("--repetition-penalty") { Description = "Makes tokens that have occurred less likely; 1 turns it off.", HelpName = "X" };

    private readonly Option<string[]> _stops = new("--stop") { Description = "Stop before this text. May be given more than once.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore };

    private readonly Option<int> _seed = new("--seed") { Description = "Seed of the sampling.", HelpName = "N" };

    private readonly Option<bool> _greedy = new("--greedy") { Description = "Always take the most likely token, which is also the default when no option asks for sampling." };

    public void AddTo(Command command)
    {
        NumberRange.AddTo(_most, 1, 1_000_000);
        NumberRange.AddTo(_temperature, 0, 100);
        NumberRange.AddTo(_topK, 1, 1_000_000);
        NumberRange.AddTo(_topP, 0.0001, 1);
        NumberRange.AddTo(_minP, 0, 1);
        NumberRange.AddTo(_penalty, 0.01, 100);
        foreach (Option option in (Option[])[_most, _temperature, _topK, _topP, _minP, _penalty, _stops, _seed, _greedy])
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_stops)?.Contains("") == true)
                result.AddError("--stop: an empty text would end every answer before it begins; leave it out");
            if (result.GetValue(_greedy) && (result.GetResult(_temperature) ?? result.GetResult(_topK) ?? result.GetResult(_topP) ?? result.GetResult(_minP)) is { } draws)
                result.AddError($"--greedy and {draws.Option.Name} contradict each other; give one of them");
        });
    }

    /// <summary>The options as they were given. Without any that ask for sampling, the most likely token is taken.</summary>
    public GenerationOptions Read(ParseResult parsed)
    {
        bool draws = parsed.GetValue(_topK) is not null || parsed.GetValue(_topP) is not null || parsed.GetValue(_minP) is not null;
        return new GenerationOptions
        {
            MaxNewTokens = parsed.GetValue(_most),
            Temperature = parsed.GetValue(_temperature) ?? (draws ? 1 : 0),
            TopK = parsed.GetValue(_topK),
            TopP = parsed.GetValue(_topP),
            MinP = parsed.GetValue(_minP),
            RepetitionPenalty = parsed.GetValue(_penalty) ?? 1,
            Seed = parsed.GetValue(_seed),
            StopStrings = [.. parsed.GetValue(_stops) ?? []],
        };
    }
}
