using Microsoft.AspNetCore.Http;
using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>The models of a server. The first one answers requests that name no model.</summary>
/// <param name="all">The models, in the order in which they are listed.</param>
/// <param name="aliases">The names of models by other names: what the command line calls them, and the full path of their folder.</param>
internal sealed class ServedModels(IReadOnlyList<IServedModel> all, IReadOnlyDictionary<string, string> aliases)
{
    public long Created { get; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public IReadOnlyList<IServedModel> All => all;

    /// <summary>The model of a name or an alias.</summary>
    /// <exception cref="RequestException">There is no model of that name.</exception>
    public IServedModel Find(string? name)
    {
        if (name is null)
            return all[0];
        string known = aliases.GetValueOrDefault(name, name);
        return all.FirstOrDefault(m => m.Name == known) ?? throw new RequestException(
            StatusCodes.Status404NotFound, $"model '{name}' is not served here; available: {string.Join(", ", all.Select(m => $"'{m.Name}'"))}", "model", "model_not_found");
    }
}
