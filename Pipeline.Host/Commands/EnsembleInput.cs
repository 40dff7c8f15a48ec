using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Commands;

/// <summary>The options that name ensembles: <c>--ensemble NAME=a,b,c --average … --weights …</c>.</summary>
internal sealed class EnsembleInput
{
    private const string LogProbability = "log-probability";

    private readonly Option<string[]> _ensembles = new("--ensemble")
    {
        Description = "Several models that answer as one: names given by --model NAME=DIR, or folders. Models that share a tokenizer are averaged over its tokens, others over exact next bytes.",
        HelpName = "NAME=a,b,c",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _average = new("--average") { Description = "What an ensemble averages.", HelpName = "probability|log-probability", DefaultValueFactory = _ => "probability" };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "Weights of an ensemble's members, in their order; they are divided by their sum. With log-probability they may be negative: 1,1,-1 for a base, an expert and an anti-expert is proxy tuning.",
        HelpName = "w,w,w",
    };

    public void AddTo(Command command)
    {
        _average.AcceptOnlyFromAmong("probability", LogProbability);
        foreach (Option option in (Option[])[_ensembles, _average, _weights])
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_ensembles) is not { Length: > 0 } && (result.GetResult(_weights) is not null || result.GetResult(_average) is { Implicit: false }))
                result.AddError("--average and --weights apply to an ensemble; give --ensemble NAME=a,b,c too");
        });
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_ensembles) is { Length: > 0 };

    /// <summary>The ensembles that were given. All have the same average and weights.</summary>
    /// <exception cref="DefinitionException">An argument is not of the form NAME=a,b,c, or the weights do not fit.</exception>
    public IReadOnlyList<EvaluatedEnsemble> Read(ParseResult parsed)
    {
        EnsembleAverage average = parsed.GetValue(_average) == LogProbability ? EnsembleAverage.LogProbability : EnsembleAverage.Probability;
        double[] weights = [.. (parsed.GetValue(_weights) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Weight)];
        return [.. (parsed.GetValue(_ensembles) ?? []).Select(argument => Named(argument, average, weights))];
    }

    private static EvaluatedEnsemble Named(string argument, EnsembleAverage average, double[] weights)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        string[] members = argument[(equals + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (equals < 1)
            throw new DefinitionException($"--ensemble {argument}: expected NAME=a,b,c: a name, and the names or folders of two or more models");
        string name = argument[..equals];
        // Made only to refuse weights that do not fit, before any model is loaded.
        Averaging.Of(average, members.Length, weights, name);
        return new EvaluatedEnsemble { Name = name, Members = members, Average = average, Weights = weights };
    }

    private static double Weight(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double weight)
        ? weight
        : throw new DefinitionException($"--weights: found '{text}', expected numbers separated by commas, such as 1,1,-1");
}
