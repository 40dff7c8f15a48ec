using Microsoft.AspNetCore.Http;
using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>The models of a server, by name. The first answers requests that name none.</summary>
/// <param name="all">In the order they are listed.</param>
/// <param name="aliases">Other names of a model: its folder as given, and in full.</param>
internal sealed class ServedModels(IReadOnlyList<IServedModel> all, IReadOnlyDictionary<string, string> aliases)
{
    public long Created { get; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public IReadOnlyList<IServedModel> All => all;

    /// <exception cref="RequestException">There is none of that name.</exception>
    public IServedModel Find(string? name)
    {
        if (name is null)
            return all[0];
        string known = aliases.GetValueOrDefault(name, name);
        return all.FirstOrDefault(m => m.Name == known) ?? throw new RequestException(
            StatusCodes.Status404NotFound, $"model '{name}' is not served here; available: {string.Join(", ", all.Select(m => $"'{m.Name}'"))}", "model", "model_not_found");
    }
}
