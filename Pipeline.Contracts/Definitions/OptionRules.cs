using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Definitions;

/// <summary>Applies the rules of an options record where the options do not come from a definition.</summary>
public static class OptionRules
{
    /// <summary>What is wrong with options. Rules about which keys were written are not applied.</summary>
    public static IEnumerable<string> Faults(IValidatableObject options)
        => options.Validate(new ValidationContext(options)).Select(r => r.ErrorMessage ?? "");

    /// <summary>Refuses options that break rules.</summary>
    /// <param name="options">The options.</param>
    /// <param name="what">What they belong to, for the message.</param>
    /// <exception cref="DefinitionException">Rules are broken. The message names all of them.</exception>
    public static void Require(IValidatableObject options, string what)
    {
        string faults = string.Join("; ", Faults(options));
        if (faults.Length > 0)
            throw new DefinitionException($"{what}: {faults}");
    }
}
