"""What the solutions of the examples in events/requests must be, by hand."""

BEST = {
    "bin_packing_vans.json": 3.0,  # 27 in tens
    "bqm_exam_slots.json": 0.0,  # both exams have a slot of their own, none the third
    "constrained_bakery.json": 12.5,
    "exact_cover_knuth.json": 3.0,  # A, D and E, as Knuth has it
    "graph_coloring_australia.json": 0.0,
    "graph_coloring_on_emerald.json": 0.0,
    "ising_frustrated_ring.json": -7.1,  # an odd ring leaves one of nine bonds unsatisfied
    "ising_torus_divided.json": -86.0,  # proven by exact reduction
    "maxcut_divided_on_two_devices.json": 15.0,  # the ring whole, and all chords
    "knapsack_hike.json": 45.0,
    "knapsack_with_slack_on_sv1.json": 15.0,  # books and camera
    "labs_thirteen.json": 6.0,  # Barker's sequence: a merit factor of 14.08
    "max_clique_karate_club.json": 5.0,
    "max_independent_set_talks.json": 250.0,
    "max_k_cut_radio_cells.json": 52.0,  # all but two links of the odd ring
    "max_sat_dinner.json": 24.0,  # of 25
    "maxcut_backbone_network.json": 770.0,  # 910 - 100 - 40: one link of each odd cycle
    "maxcut_moebius_ladder.json": 88.0,  # of 90: two rings of odd length have no edge in common
    "maxcut_on_cepheus_mitigated.json": 12.0,
    "maxcut_in_parts_on_two_devices.json": 25.0,
    "maxcut_in_parts_recursively.json": 25.0,
    "maxcut_in_parts_on_garnet.json": 25.0,  # every edge: all rings are even
    "maxcut_on_garnet.json": 12.0,
    "maxcut_on_noisy_dm1.json": 6.0,
    "maxcut_petersen.json": 12.0,
    "maxcut_petersen_from_shots.json": 12.0,
    "maxcut_petersen_sv1.json": 12.0,
    "maxcut_ring_given_angles.json": 12.0,  # an even ring: every edge
    "maxcut_trained_on_garnet.json": 6.0,
    "min_vertex_cover_museum.json": 5.0,
    "number_partitioning_scales.json": 0.0,  # halves of 83
    "optimization_four_variables.json": -4.5,  # x = 0101
    "polynomial_triangular_plaquettes.json": -7.75,
    "portfolio_four_of_ten_sectors.json": 0.21455,
    "qubo_number_partitioning.json": -27556.0,  # -166²: halves of 83
    "qubo_portfolio.json": -0.066,
    "qubo_portfolio_warm_start.json": -0.066,
    "random_eight.json": -9.717065133,
    "set_cover_fire_stations.json": 10.5,
    "tsp_hanseatic_cities.json": 788.0,
}
